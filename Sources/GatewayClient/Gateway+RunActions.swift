import Base
import HTTPTypes

extension Gateway {
    /// What somebody does to a run.
    public enum RunAction: Sendable, Equatable {
        /// Runs it again: all of it, or only what did not succeed.
        case restart(fromStart: Bool)
        /// Ends it before it starts.
        case cancel
        /// Ends it while it runs.
        case stop
    }

    /// A ref to run.
    public enum RefSelection: Sendable, Equatable {
        /// A branch.
        case branch(String)
        /// A tag.
        case tag(String)
        /// Anything, by its full name.
        case ref(String)
    }

    /// A run that was created.
    public struct CreatedRun: Codable, Sendable, Equatable {
        /// The number within its owner.
        public var number: UInt64
        /// The name in the pipeline file.
        public var name: String
    }

    /// A run of a user's own work tree, which has been pushed already.
    public struct DirectRun: Sendable, Equatable {
        /// Names the repository on the server.
        public var repositoryUUID: String
        /// The repository's path: `<user id>/<repository uuid>`.
        public var repositoryPath: String
        /// What the run shall believe to be run for.
        public var ref: RefSelection
        /// The pushed commit.
        public var commit: String
        /// What the run is called by.
        public var message: String
        /// Regular expressions of refs that stand for pull requests.
        public var pullRequestPatterns: [String] = []
        /// Variables for the run.
        public var variables: [String: String] = [:]

        /// Describes a run.
        public init(repositoryUUID: String, repositoryPath: String, ref: RefSelection, commit: String, message: String)
        {
            self.repositoryUUID = repositoryUUID
            self.repositoryPath = repositoryPath
            self.ref = ref
            self.commit = commit
            self.message = message
        }
    }

    private struct ActionRequest: Encodable {
        var action_type: String
        var from_start: Bool?
    }

    private struct CreationRequest: Encodable {
        var branch, tag, ref: String?
        var commit_sha: String?
        var repo_uuid, repo_path, message: String?
        var pull_request_ref_regexes: [String]?
        var variables: [String: String]?

        init(_ selection: RefSelection, commit: String?) {
            switch selection {
            case .branch(let name): branch = name
            case .tag(let name): tag = name
            case .ref(let name): ref = name
            }
            commit_sha = commit
        }
    }

    private struct CreationAnswer: Decodable {
        var runs: [CreatedRun]
    }

    /// Does something to a run.
    /// - Returns: the run, or after a restart the new one.
    /// - Throws: ``Refusal`` in the chain.
    public func perform(_ action: RunAction, onRun number: UInt64, of owner: RunOwner) async throws -> Run {
        let request =
            switch action {
            case .restart(let fromStart): ActionRequest(action_type: "restart", from_start: fromStart)
            case .cancel: ActionRequest(action_type: "cancel")
            case .stop: ActionRequest(action_type: "stop")
            }
        return try await send(.put, "\(owner.path)/runs/\(number)/actions", request)
    }

    /// Runs a project's branch, tag or ref, at its head or at a commit.
    /// - Returns: the runs that the pipeline file asks for; possibly none.
    /// - Throws: ``Refusal`` in the chain.
    public func createRun(
        project: String,
        _ selection: RefSelection,
        commit: String? = nil
    ) async throws -> [CreatedRun] {
        let request = CreationRequest(selection, commit: commit)
        return try await
            (send(.post, "/projects/\(PercentEncoding.segment(project))/createrun", request) as CreationAnswer).runs
    }

    /// Runs a work tree that has been pushed.
    /// - Returns: the runs that the pipeline file asks for; possibly none.
    /// - Throws: ``Refusal`` in the chain.
    public func createDirectRun(_ run: DirectRun) async throws -> [CreatedRun] {
        var request = CreationRequest(run.ref, commit: run.commit)
        request.repo_uuid = run.repositoryUUID
        request.repo_path = run.repositoryPath
        request.message = run.message
        request.pull_request_ref_regexes = run.pullRequestPatterns
        request.variables = run.variables
        return try await (send(.post, "/user/createrun", request) as CreationAnswer).runs
    }
}
