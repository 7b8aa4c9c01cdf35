import Base
import Crypto
import FoundationEssentials
import GitSources
import Logging
import Model
import RunConfig
import ServiceKit
import StrictYAML
import WorkerClients

/// Makes runs of a commit: the one place where pushes, manual runs and direct runs meet.
struct RunSubmission: Sendable {
    /// A commit that somebody wants to be run.
    struct Request: Sendable {
        /// What caused the runs.
        enum Trigger: String {
            case webhook
            case manual
        }

        /// Where the runs belong.
        var owner: RunOwner
        /// The repository: `<owner>/<name>`, or `<user id>/<uuid>` for a direct run.
        var repository: String
        /// What is run.
        var context: RunContext
        /// The commit's message.
        var message: String
        var trigger: Trigger
        /// The variables that the pipeline file may name.
        var variables: [String: String] = [:]
        /// The namespace of caches; the owner's when nil.
        var cacheGroup: String?
        /// Makes the request idempotent: a second one with the same key makes no second runs.
        var key: String?
    }

    private let git: LocalGitSource
    private let runservice: RunServiceClient
    private let credentials: CloneCredentials
    private let apiExposedURL: String

    init(
        git: LocalGitSource,
        runservice: RunServiceClient,
        credentials: CloneCredentials,
        apiExposedURL: String
    ) {
        self.git = git
        self.runservice = runservice
        self.credentials = credentials
        self.apiExposedURL = apiExposedURL
    }

    /// Reads the commit's pipeline file and creates its runs.
    /// - Returns: the runs that were created; none when the message says `[ci skip]` or no run's `when` matches.
    /// - Throws: ``APIError`` with code `configFileDoesNotExist` when the commit has no pipeline file.
    func submit(_ request: Request) async throws -> [Run] {
        guard let (file, bytes) = try await pipelineFile(request) else {
            let names = ConfigFile.candidates.filter { $0.format.isSupported && !$0.isAgola }.map(\.path)
            let message = "The commit has no pipeline file. Add one as \(names.joined(separator: ", "))."
            throw APIError(.badRequest, code: "configFileDoesNotExist", message)
        }
        let definitions = try definitions(request, file: file, bytes: bytes)
        var runs: [Run] = []
        for definition in definitions {
            runs.append(try await relay { try await runservice.create(.new(definition)) })
        }
        Logger.current.info(
            "runs created",
            metadata: ["request": "\(request.trigger.rawValue)", "run": "\(runs.map(\.number))"]
        )
        return runs
    }

    private func pipelineFile(_ request: Request) async throws -> (ConfigFile, [UInt8])? {
        let commit = request.context.commitSHA
        let candidates = ConfigFile.candidates
        let found = try await relay {
            try await git.firstFile(of: candidates.map(\.path), at: commit, in: request.repository)
        }
        return found.flatMap { found in
            candidates.first { $0.path == found.path }.map { ($0, found.bytes) }
        }
    }

    private func definitions(_ request: Request, file: ConfigFile, bytes: [UInt8]) throws -> [RunDefinition] {
        let (document, diagnostics) = PipelineFile.parse(bytes, file: file)
        guard let document else {
            let errors = diagnostics.map(\.description)
            return [try definition(request, index: 0, name: "Setup Error", file: file) { $0.setupErrors = errors }]
        }
        guard !request.message.contains("[ci skip]") else { return [] }
        let graphs = GraphBuilder(document: document).graphs(context: request.context, variables: request.variables)
        return try graphs.enumerated().map { index, graph in
            try definition(request, index: index, name: graph.name, file: file) { definition in
                definition.tasks = graph.tasks
                definition.secrets += graph.usedSecrets
                if !diagnostics.isEmpty {
                    definition.annotations["config_warnings"] = diagnostics.map(\.description).joined(separator: "\n")
                }
            }
        }
    }

    private func definition(
        _ request: Request,
        index: Int,
        name: String,
        file: ConfigFile,
        _ fill: (inout RunDefinition) -> Void
    ) throws -> RunDefinition {
        var definition = RunDefinition(id: Self.id(request.key, index), name: name, group: Self.group(of: request))
        let clone = try credentials.forRun(on: request.repository)
        definition.annotations = RunAnnotations.annotations(of: request)
        definition.staticEnvironment = environment(request, file: file).merging(clone.environment) { $1 }
        definition.secrets = clone.secrets
        definition.cacheGroup = request.cacheGroup
        fill(&definition)
        return definition
    }

    // The identity is the key's hash, so that a repeated delivery asks for the run that exists already.
    private static func id(_ key: String?, _ index: Int) -> RunDefinitionID {
        guard let key else { return .random() }
        let hash = Array(SHA256.hash(data: Data("\(key)|\(index)".utf8)))
        let digits = HexText.text(hash.prefix(16))
        let parts = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { range in
            String(
                digits[
                    digits.index(
                        digits.startIndex,
                        offsetBy: range.lowerBound
                    )..<digits.index(digits.startIndex, offsetBy: range.upperBound)
                ]
            )
        }
        return RunDefinitionID(parts.joined(separator: "-"))
    }

    private static func group(of request: Request) -> String {
        let context = request.context
        let (kind, value) =
            switch context.refType {
            case .branch: ("branch", context.branch)
            case .tag: ("tag", context.tag)
            case .pullRequest: ("pr", context.pullRequestID)
            }
        return "\(request.owner.group)/\(kind)/\(PercentEncoding.segment(value))"
    }

    private func environment(_ request: Request, file: ConfigFile) -> [String: String] {
        let url = "\(apiExposedURL)/repos/\(request.repository).git"
        let (host, port) = Self.hostAndPort(of: url)
        let context = request.context
        let own = [
            "SSHPRIVKEY": "", "REPOSITORY_URL": url, "GIT_HOST": host, "GIT_PORT": port, "GIT_BRANCH": context.branch,
            "GIT_TAG": context.tag, "PULL_REQUEST_ID": context.pullRequestID, "GIT_REF_TYPE": context.refType.rawValue,
            "GIT_REF": context.ref, "GIT_COMMITSHA": context.commitSHA,
        ]
        var environment = ["CI": "true"]
        for prefix in file.isAgola ? ["MARTLET_", "AGOLA_"] : ["MARTLET_"] {
            for (name, value) in own { environment[prefix + name] = value }
        }
        return environment
    }

    private static func hostAndPort(of url: String) -> (host: String, port: String) {
        let rest = url.split(separator: "://", maxSplits: 1).last ?? ""
        let authority = rest.prefix { $0 != "/" }
        guard let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") else {
            return (String(authority), url.hasPrefix("https:") ? "443" : "80")
        }
        return (String(authority[..<colon]), String(authority[authority.index(after: colon)...]))
    }
}

/// The facts about a run that the public API shows.
enum RunAnnotations {
    static func annotations(of request: RunSubmission.Request) -> [String: String] {
        let context = request.context
        var annotations = [
            "ref_type": context.refType.rawValue, "run_creation_trigger": request.trigger.rawValue, "webhook_event": "",
            "webhook_sender": "", "commit_sha": context.commitSHA, "ref": context.ref, "message": request.message,
            "commit_link": "", "compare_link": "",
        ]
        switch request.owner {
        case .project(let placed):
            annotations["run_type"] = "project"
            annotations["projectid"] = placed.project.id.text
        case .user(let user):
            annotations["run_type"] = "user"
            annotations["userid"] = user.id.text
        }
        let (name, value) =
            switch context.refType {
            case .branch: ("branch", context.branch)
            case .tag: ("tag", context.tag)
            case .pullRequest: ("pull_request_id", context.pullRequestID)
            }
        annotations[name] = value
        annotations[name == "pull_request_id" ? "pull_request_link" : "\(name)_link"] = ""
        return annotations
    }
}
