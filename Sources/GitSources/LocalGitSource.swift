package import Base
package import HTTPTransport
package import HTTPTypes
package import Model
package import WorkerClients

/// Repositories that Martlet hosts itself, and those of direct runs: the client of the git server.
///
/// Repositories are named `<owner>/<name>`, or `<user id>/<repository uuid>` for direct runs, without `.git`. All calls throw
/// ``RemoteError`` in the chain when the git server refuses.
package struct LocalGitSource: Sendable {
    private let connection: ServiceConnection

    /// Speaks over `connection` to the git server.
    package init(connection: ServiceConnection) {
        self.connection = connection
    }

    // MARK: Reading

    /// Reads a file as it is at a commit.
    /// - Parameters:
    ///   - path: the path in the commit's tree.
    ///   - commit: the commit's full name.
    ///   - repository: the repository.
    /// - Returns: the file's bytes; nil when repository, commit or file do not exist.
    /// - Throws: ``RemoteError`` of kind `badRequest` when the path is malformed or the file larger than 1 MiB.
    package func file(_ path: String, at commit: String, in repository: String) async throws -> [UInt8]? {
        let encoded = path.split(separator: "/", omittingEmptySubsequences: false).map {
            PercentEncoding.segment(String($0))
        }
        return try await unlessMissing {
            try await connection.exchange(
                .get,
                try root(repository) + "/raw/\(commit)/" + encoded.joined(separator: "/")
            )
        }
    }

    /// Reads the first of some files that exists at a commit, in one request.
    /// - Parameters:
    ///   - paths: the paths in the commit's tree, in the order of preference.
    ///   - commit: the commit's full name.
    ///   - repository: the repository.
    /// - Returns: the file's path and bytes; nil when repository or commit do not exist, or have none of the files.
    /// - Throws: ``RemoteError`` of kind `badRequest` when a path is malformed or the file larger than 1 MiB.
    package func firstFile(
        of paths: [String],
        at commit: String,
        in repository: String
    ) async throws -> (path: String, bytes: [UInt8])? {
        try await unlessMissing {
            let target = try root(repository) + "/raw/\(commit)"
            let query = paths.map { ("path", $0) }
            let reply = try await connection.open(
                .get,
                target,
                query: query,
                deadline: .after(.seconds(30))
            )
            let body = try await ServiceConnection.checked(reply).collect()
            guard let path = Self.path(in: reply.headers), paths.contains(path) else {
                throw Failure("the git server does not say which file of commit \(commit) it sent")
            }
            return (path, body)
        }
    }

    private static func path(in headers: HTTPFields) -> String? {
        HTTPField.Name("X-Martlet-Path").flatMap { headers[$0] }.flatMap {
            PercentEncoding.decode($0[...])
        }
    }

    /// Finds the commit that a revision names.
    /// - Parameters:
    ///   - revision: a commit's full name, `HEAD`, or the full name of a ref, such as `refs/heads/main`.
    ///   - repository: the repository.
    /// - Returns: the commit; nil when there is none.
    /// - Throws: ``RemoteError`` of kind `badRequest` when the revision is malformed.
    package func commit(_ revision: String, in repository: String) async throws -> GitCommit? {
        let encoded = revision.split(separator: "/", omittingEmptySubsequences: false).map {
            PercentEncoding.segment(String($0))
        }
        return try await unlessMissing {
            try await connection.get(
                try root(repository) + "/commit/" + encoded.joined(separator: "/"),
                as: GitCommit.self
            )
        }
    }

    /// All refs of a repository, sorted by name; nil when there is no such repository.
    /// - Throws: ``RemoteError`` in the chain.
    package func refs(in repository: String) async throws -> [GitRef]? {
        try await unlessMissing { try await connection.get(try root(repository) + "/refs", as: [GitRef].self) }
    }

    // MARK: Repositories

    /// Creates a hosted repository; nothing happens when it exists.
    /// - Throws: ``RemoteError`` of kind `badRequest` when a name is not allowed.
    package func createRepository(_ repository: GitRepositoryCreation) async throws {
        try await connection.send(.post, "/repos", repository)
    }

    /// Removes a repository with everything in it; nothing happens when there is none.
    /// - Throws: ``RemoteError`` in the chain.
    package func deleteRepository(_ repository: String) async throws {
        try await connection.send(.delete, try root(repository))
    }

    /// The names of an owner's repositories: a user's name stands for hosted ones, a user's id for those of direct runs.
    /// - Throws: ``RemoteError`` in the chain.
    package func repositories(of owner: String) async throws -> [String] {
        try await connection.get("/repos/\(PercentEncoding.segment(owner))", as: [String].self)
    }

    /// Removes all repositories of an owner, named as in ``repositories(of:)``, with everything in them.
    /// - Throws: ``RemoteError`` in the chain; calling again goes on.
    package func deleteRepositories(of owner: String) async throws {
        try await connection.send(.delete, "/repos/\(PercentEncoding.segment(owner))")
    }

    /// Announces a repository's pushes to a project, from the next one on, signed with `secret`; several projects may hear of
    /// one repository.
    /// - Throws: ``RemoteError`` of kind `notExist` when there is no such repository.
    package func bind(_ repository: String, to project: ProjectID, secret: SecretValue) async throws {
        try await connection.send(
            .put,
            try root(repository) + "/hook",
            GitHookBinding(projectID: project, secret: secret)
        )
    }

    /// Stops announcing to a project.
    /// - Throws: ``RemoteError`` in the chain.
    package func unbind(_ repository: String, from project: ProjectID) async throws {
        try await connection.send(.delete, try root(repository) + "/hook/\(PercentEncoding.segment(project.text))")
    }

    // MARK: Git

    /// Passes a request of git's on.
    /// - Parameters:
    ///   - method: `GET` or `POST`.
    ///   - path: what follows `/repos/`, percent-encoded as it was received.
    ///   - query: the query's parameters.
    ///   - headers: `Git-Protocol`, `Content-Type`, `Content-Encoding` and `Accept` are passed on.
    ///   - body: the request's body.
    ///   - user: for whom the request is made.
    /// - Returns: the answer as it arrives, whatever its status.
    /// - Throws: ``HTTPTransportError`` when there is no answer.
    package func forward(
        _ method: HTTPRequest.Method,
        _ path: String,
        query: [(String, String)],
        headers: HTTPFields,
        body: HTTPBody,
        user: UserID?
    ) async throws -> HTTPReply {
        var kept = HTTPFields()
        for field in headers where Self.forwarded.contains(field.name.canonicalName) { kept.append(field) }
        if let user, let name = HTTPField.Name("X-Martlet-User") { kept[name] = user.text }
        return try await connection.open(method, "/repos/\(path)", query: query, headers: kept, body: body)
    }

    private static let forwarded: Set<String> = ["git-protocol", "content-type", "content-encoding", "accept"]

    private func root(_ repository: String) throws -> String {
        let parts = repository.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            throw Failure("\(repository) is no repository path: it has two parts")
        }
        return "/repos/\(PercentEncoding.segment(String(parts[0])))/\(PercentEncoding.segment(String(parts[1]))).git"
    }

    private func unlessMissing<Value>(_ call: () async throws -> Value) async throws -> Value? {
        do {
            return try await call()
        } catch {
            guard ErrorChain(error).first(RemoteError.self)?.kind == .notExist else { throw error }
            return nil
        }
    }
}
