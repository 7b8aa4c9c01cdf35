import Base
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import ServiceKit

/// The routes by which backups of the git server are made and restored: repositories as bundles, and the outbox.
struct GitBackupAPI: Sendable {
    let repositories: Repositories
    let bundles: RepositoryBundles
    let outbox: Outbox
    let mark: RestoreMark
    let onRestored: @Sendable () async throws -> Void

    private static let pieceSize = 256 << 10
    private static let outboxLimit = 256 << 20

    /// A repository in a list.
    private struct Entry: Encodable {
        let path: String
        /// The full name of the branch that `HEAD` names.
        let head: String
    }

    /// Adds the routes.
    func addRoutes(to routes: RouterGroup<ServiceContext>) {
        let group = routes.group("api/v1alpha/backup")
        RestoreRoutes(mark: mark, isEmpty: isEmpty, onEnd: onRestored).add(to: group)
        group.get("outbox") { _, _ in
            try await mark.expectNone()
            return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(bytes: try await outbox.backup())))
        }
        group.put("outbox") { request, _ in
            try await mark.expect()
            try await outbox.restore(try await request.bytes(limit: Self.outboxLimit))
            return Response.empty()
        }
        group.get("repositories") { request, _ in try Response.json(try await list(request)) }
        group.get("repositories/:owner/:name/bundle") { _, context in try await bundle(Self.repository(context)) }
        group.put("repositories/:owner/:name/bundle") { request, context in
            try await restore(Self.repository(context), request)
        }
    }

    private func isEmpty() async throws -> Bool {
        guard try await repositories.all(after: "", limit: 1).isEmpty else { return false }
        return try await outbox.isEmpty()
    }

    private func list(_ request: Request) async throws -> [Entry] {
        let limit = try request.integer("limit") ?? 500
        let page = try await repositories.all(after: request.query("after") ?? "", limit: Int(max(1, min(limit, 500))))
        var entries: [Entry] = []
        for repository in page {
            // One that has just been removed is no part of a backup.
            guard let head = try await bundles.head(of: repository) else { continue }
            entries.append(Entry(path: "\(repository)", head: head))
        }
        return entries
    }

    private func bundle(_ repository: RepositoryPath) async throws -> Response {
        guard let file = try await bundles.bundle(repository) else { return Response.empty() }
        let size = try await BlockingPool.shared.run { try file.size() }
        let body = ResponseBody(contentLength: Int(size)) { writer in
            var offset: Int64 = 0
            while offset < size {
                let position = offset
                let bytes = try await BlockingPool.shared.run { try file.read(at: position, count: Self.pieceSize) }
                guard !bytes.isEmpty else { throw Failure("the bundle of \(repository) ends early") }
                offset += Int64(bytes.count)
                try await writer.write(ByteBuffer(bytes: bytes))
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "application/octet-stream"], body: body)
    }

    private func restore(_ repository: RepositoryPath, _ request: Request) async throws -> Response {
        try await mark.expect()
        guard let head = request.query("head"), head.hasPrefix("refs/heads/"), RefName.isValid(head) else {
            throw APIError(.badRequest, code: "invalidRef", "The parameter head is the full name of a branch.")
        }
        try await bundles.restore(repository, head: head, from: try await received(request))
        return Response.empty()
    }

    /// The bundle that a request carries; nil for an empty body.
    private func received(_ request: Request) async throws -> BundleFile? {
        let directory = repositories.temporaryDirectory
        let file = try await BlockingPool.shared.run { try BundleFile(directory: directory) }
        do {
            for try await piece in request.body {
                let bytes = Array(buffer: piece)
                try await BlockingPool.shared.run { try file.append(bytes) }
            }
        } catch let error where !(error is SystemError || error is CancellationError) {
            throw APIError(.badRequest, code: "brokenBody", "The bundle did not arrive whole.", cause: error)
        }
        return try await BlockingPool.shared.run { try file.size() } > 0 ? file : nil
    }

    private static func repository(_ context: ServiceContext) throws -> RepositoryPath {
        let (owner, name) = (try context.pathVariable("owner"), try context.pathVariable("name"))
        guard let repository = RepositoryPath(owner: owner, name: name) else {
            throw APIError(.badRequest, code: "invalidRepositoryPath", "\(owner)/\(name) cannot be a repository.")
        }
        return repository
    }
}
