import Base
import HTTPTypes
import Hummingbird
import Logging
import Model
import NIOCore
import ServiceKit
import SystemPackage

/// The service's routes: git's smart HTTP protocol (gitprotocol-http), and what the gateway asks about repositories.
struct GitHTTPBackend: Sendable {
    let git: GitCommand
    let repositories: Repositories
    let objects: GitObjects
    let outbox: Outbox
    let receiver: PushReceiver
    let mark: RestoreMark
    let lanes: Lanes<RepositoryPath>

    /// The most bytes that a fetch may say about what it has; ten times what the largest known repositories need.
    private static let fetchLimit = 64 << 20

    /// What the client of direct runs pushes to unless told otherwise.
    private static let directRunBranch = "master"

    /// Adds the routes.
    func addRoutes(to group: RouterGroup<ServiceContext>) {
        for method in [HTTPRequest.Method.get, .post, .put, .delete] {
            group.on("/repos", method: method) { request, _ in try await respond(to: request) }
            group.on("/repos/**", method: method) { request, _ in try await respond(to: request) }
        }
    }

    private func respond(to request: Request) async throws -> Response {
        let wish = try RepositoryRequest(
            method: request.method.rawValue,
            path: request.uri.path,
            service: request.query("service"),
            paths: request.queries("path")
        )
        switch wish {
        case .advertise(let repository, let service): return try await advertise(repository, service, request)
        case .exchange(let repository, .uploadPack): return try await upload(repository, request)
        case .exchange(let repository, .receivePack): return try await receive(repository, request)
        case .file(let repository, let commit, let path):
            return try await file(repository, commit, [path])
        case .firstFile(let repository, let commit, let paths):
            return try await file(repository, commit, paths)
        case .commit(let repository, let revision): return try await commit(repository, revision)
        case .refs(let repository): return try .json(await objects.refs(in: repositories.existing(repository)))
        case .create: return try await create(request)
        case .list(let owner): return try .json(await repositories.all(of: owner).map(\.name))
        case .deleteAll(let owner):
            for repository in try await repositories.all(of: owner) { try await delete(repository) }
            return .empty()
        case .delete(let repository):
            try await delete(repository)
            return .empty()
        case .bind(let repository): return try await bind(repository, request)
        case .unbind(let repository, let project):
            try await outbox.unbind(repository, project: ProjectID(project))
            return .empty()
        }
    }

    // MARK: Smart HTTP

    private func advertise(
        _ repository: RepositoryPath,
        _ service: RepositoryRequest.Service,
        _ request: Request
    ) async throws -> Response {
        if service == .receivePack { try await mark.expectNone(.unavailable) }
        if service == .receivePack, repository.kind == .direct {
            try await repositories.create(repository, defaultBranch: Self.directRunBranch)
        }
        let directory = try repositories.existing(repository)
        // A push is spoken in the first version only; a client that asks for another one gets that.
        let version = service == .uploadPack ? request.headers[.gitProtocol] : nil
        let start =
            version == "version=2" ? [] : PacketLine.encode("# service=\(service.rawValue)\n") + Array("0000".utf8)
        let arguments = [service.command, "--stateless-rpc", "--advertise-refs", directory]
        return streamed("application/x-\(service.rawValue)-advertisement") { output in
            try await output.send(start)
            try await serve(arguments, directory, version, nil, output)
        }
    }

    private func upload(_ repository: RepositoryPath, _ request: Request) async throws -> Response {
        let directory = try repositories.existing(repository)
        let version = request.headers[.gitProtocol]
        let encoding = request.headers[.contentEncoding]
        let body = request.body
        return streamed("application/x-git-upload-pack-result") { output in
            try await body.consumeWithCancellationOnInboundClose { body in
                let input = try RequestBytes(body, encoding: encoding, limit: Self.fetchLimit)
                try await serve(["upload-pack", "--stateless-rpc", directory], directory, version, input, output)
            }
        }
    }

    private func receive(_ repository: RepositoryPath, _ request: Request) async throws -> Response {
        try await mark.expectNone(.unavailable)
        _ = try repositories.existing(repository)
        let body = try RequestBytes(request.body, encoding: request.headers[.contentEncoding], limit: .max)
        let commands = try await receiver.commands(in: body)
        let pusher = request.headers[.martletUser].map { UserID($0) }
        return streamed("application/x-git-receive-pack-result") { output in
            // A client that wants to know whether it may push sends an empty list first.
            guard !commands.commands.isEmpty else { return }
            try await receiver.receive(repository, commands, body, pusher: pusher, output: output)
        }
    }

    private func serve(
        _ arguments: [String],
        _ directory: String,
        _ version: String?,
        _ input: RequestBytes?,
        _ output: PieceChannel
    ) async throws {
        let nowhere = try attempt("open /dev/null") { try FileDescriptor.open("/dev/null", .writeOnly) }
        let isSuccess = try await git.exchange(
            arguments,
            in: directory,
            protocolVersion: version,
            input: input,
            complaints: nowhere
        ) { piece in
            try await output.send(piece)
        }
        guard isSuccess else { throw Failure("git \(arguments[0]) failed in \(directory)") }
    }

    // The status has gone out when git begins, so a failure can only break the connection off; the client notices that.
    private func streamed(
        _ contentType: String,
        _ work: @escaping @Sendable (PieceChannel) async throws -> Void
    ) -> Response {
        let body = ResponseBody { writer in
            let channel = PieceChannel()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await feed(channel, work) }
                group.addTask { try await channel.watch() }
                while let piece = try await channel.next() { try await writer.write(ByteBuffer(bytes: piece)) }
                group.cancelAll()
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [.contentType: contentType, .cacheControl: "no-cache", .connection: "close"],
            body: body
        )
    }

    private func feed(_ channel: PieceChannel, _ work: (PieceChannel) async throws -> Void) async {
        do {
            try await work(channel)
            channel.finish()
        } catch {
            if !ErrorChain(error).isCancellation { Logger.current.warning("git exchange broke off", error: error) }
            channel.finish(throwing: error)
        }
    }

    // MARK: Questions of the gateway

    private func file(_ repository: RepositoryPath, _ commit: String, _ paths: [String]) async throws -> Response {
        let directory = try repositories.existing(repository)
        guard let (path, bytes) = try await objects.firstFile(of: paths, at: commit, in: directory) else {
            throw APIError(
                .notExist,
                code: "fileDoesNotExist",
                "There is no file \(paths.joined(separator: " or ")) in commit \(commit) of \(repository)."
            )
        }
        let headers: HTTPFields = [
            .contentType: "application/octet-stream", .martletPath: PercentEncoding.segment(path),
        ]
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    private func commit(_ repository: RepositoryPath, _ revision: RepositoryRequest.Revision) async throws -> Response {
        guard let commit = try await objects.commit(revision, in: repositories.existing(repository)) else {
            throw APIError(.notExist, code: "commitDoesNotExist", "There is no such commit in \(repository).")
        }
        return try .json(commit)
    }

    private func create(_ request: Request) async throws -> Response {
        let wish: GitRepositoryCreation = try await request.json(limit: 16 << 10)
        guard let repository = RepositoryPath(owner: wish.owner, name: wish.name), repository.kind == .hosted else {
            let message =
                "A repository's name has letters, digits, dashes, dots and underscores, and begins with a letter or digit."
            throw APIError(.badRequest, code: "invalidRepositoryPath", message)
        }
        guard RefName.isValid("refs/heads/\(wish.defaultBranch)"), !wish.defaultBranch.hasPrefix("-") else {
            throw APIError(.badRequest, code: "invalidBranch", "\(wish.defaultBranch) cannot be a branch.")
        }
        try await repositories.create(repository, defaultBranch: wish.defaultBranch)
        return .empty(.created)
    }

    private func delete(_ repository: RepositoryPath) async throws {
        try await lanes.withLane(repository) {
            try await repositories.delete(repository)
            try await outbox.forget(repository)
        }
    }

    private func bind(_ repository: RepositoryPath, _ request: Request) async throws -> Response {
        let binding: GitHookBinding = try await request.json(limit: 16 << 10)
        guard repository.kind == .hosted else {
            throw APIError(.badRequest, code: "invalidRepositoryPath", "Pushes of direct runs are not announced.")
        }
        _ = try repositories.existing(repository)
        try await outbox.bind(repository, binding)
        return .empty()
    }
}

extension HTTPField.Name {
    fileprivate static let gitProtocol = constant("Git-Protocol")
    fileprivate static let martletPath = constant("X-Martlet-Path")
    fileprivate static let martletUser = constant("X-Martlet-User")

    private static func constant(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is no header name") }
        return name
    }
}
