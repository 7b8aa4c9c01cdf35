import Base
import GitSources
import Hummingbird
import Model
import RunConfig
import ServiceKit
import WorkerClients

/// Runs that somebody asks for: of a project's branch, tag or commit, and of a user's own work tree.
struct CreateRunRoutes: Sendable {
    let submission: RunSubmission
    let owners: RunOwnerLookup
    let git: LocalGitSource

    func add(required: GatewayRoutes) {
        required.post("projects/:owner/createrun") { request, context in try await createProjectRun(request, context) }
        required.post("user/createrun") { request, context in try await createDirectRun(request, context) }
    }

    /// The answer names the runs, so that nobody has to look for them.
    private struct Created: Encodable {
        struct Entry: Encodable {
            let number: Int64
            let name: String
        }

        let runs: [Entry]

        init(_ runs: [Run]) {
            self.runs = runs.map { Entry(number: $0.number, name: $0.name) }
        }
    }

    private struct Body: Decodable {
        var repo_uuid: String?
        var repo_path: String?
        var branch: String?
        var tag: String?
        var ref: String?
        var commit_sha: String?
        var message: String?
        var pull_request_ref_regexes: [String]?
        var variables: [String: String]?

        /// The one ref that is named.
        func requireRef() throws -> String {
            let named = [branch.map { ("refs/heads/", $0) }, tag.map { ("refs/tags/", $0) }, ref.map { ("", $0) }]
                .compactMap(\.self).filter { !$0.1.isEmpty }
            guard named.count == 1, let (prefix, name) = named.first else {
                throw APIError(.badRequest, "Name exactly one of branch, tag and ref.")
            }
            return prefix + name
        }
    }

    private func createProjectRun(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try context.caller.requireUser()
        let owner = try await owners.owner(.projects, context)
        try owner.requireOwner(context.caller)
        guard case .project(let placed) = owner else { throw Failure("a project's route found no project") }
        let body: Body = try await request.json()
        let ref = try body.requireRef()
        let revision = body.commit_sha.flatMap { $0.isEmpty ? nil : $0 } ?? ref
        let commit = try await relay { try await git.commit(revision, in: placed.project.repositoryPath) }
        guard let commit else {
            throw APIError(.badRequest, code: "refDoesNotExist", "The repository has no \(revision).")
        }
        let runContext = try RefContext.context(of: ref, commit: commit.sha, pullRequestPatterns: [])
        let runs = try await submission.submit(
            RunSubmission.Request(
                owner: owner,
                repository: placed.project.repositoryPath,
                context: runContext,
                message: runContext.refType == .tag ? "Tag \(runContext.tag)" : commit.message,
                trigger: .manual
            )
        )
        return try Response.json(Created(runs), status: .created)
    }

    private func createDirectRun(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let user = try context.caller.requireUser()
        let body: Body = try await request.json()
        guard let uuid = body.repo_uuid, !uuid.isEmpty else {
            throw APIError(.badRequest, "The key repo_uuid is missing.")
        }
        let path = (body.repo_path ?? "").split(separator: "/", omittingEmptySubsequences: false)
        guard path.count == 2, path[1] == uuid else {
            throw APIError(.badRequest, "The repo_path has the form <user id>/<repo_uuid>.")
        }
        guard path[0] == user.id.text else { throw APIError(.unauthorized, "The repo_path belongs to somebody else.") }
        guard let sha = body.commit_sha, !sha.isEmpty, let message = body.message, !message.isEmpty else {
            throw APIError(.badRequest, "The keys commit_sha and message must not be empty.")
        }
        let patterns = body.pull_request_ref_regexes ?? []
        let runs = try await submission.submit(
            RunSubmission.Request(
                owner: .user(user),
                repository: "\(user.id)/\(uuid)",
                context: try RefContext.context(of: body.requireRef(), commit: sha, pullRequestPatterns: patterns),
                message: message,
                trigger: .manual,
                variables: body.variables ?? [:],
                cacheGroup: "\(user.id)-\(uuid)"
            )
        )
        return try Response.json(Created(runs), status: .created)
    }
}
