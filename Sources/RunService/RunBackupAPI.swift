import Base
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ObjectStorage
import ServiceKit
import Store

/// The routes by which the runservice's logs and archives get into a backup and back.
///
/// Caches are left out: they are made again by whoever misses them.
struct RunBackupAPI: Sendable {
    let store: ServiceStore
    let objects: ObjectsOnDemand
    let mark: RestoreMark
    let isInMaintenance: Bool

    /// In ascending order.
    private static let trees = ["logs/", "workspacearchives/"]
    private static let pageSize = 1000
    private static let prefix = "/api/v1alpha/backup/objects/"

    /// An object in a list.
    private struct Entry: Encodable {
        let name: String
        let size: Int64
    }

    /// Adds the routes below `backup`.
    func addRoutes(to group: RouterGroup<ServiceContext>) {
        RestoreRoutes(mark: mark, isOpen: isInMaintenance, isEmpty: isEmpty).add(to: group)
        group.get("objects") { request, _ in
            try await mark.expectNone()
            return try Response.json(try await page(after: request.query("after") ?? ""))
        }
        group.get("objects/**") { request, _ in try await open(try Self.name(in: request)) }
        group.put("objects/**") { request, _ in
            try await mark.expect(isOpen: isInMaintenance)
            return try await write(try Self.name(in: request), request)
        }
    }

    private func isEmpty() async throws -> Bool {
        let hasRecords = try await store.read { tx in
            let hasRuns = try !tx.live(prefix: RunKeys.liveRuns, limit: 1).isEmpty
            return try hasRuns || RunExport.types.contains { try !tx.records(type: $0, limit: 1).isEmpty }
        }
        guard !hasRecords else { return false }
        return try await page(after: "", limit: 1).isEmpty
    }

    private func page(after name: String, limit: Int = pageSize) async throws -> [Entry] {
        try await reachable("list the objects after \(name)") {
            let store = try await objects.store()
            var found: [Entry] = []
            for tree in Self.trees where found.count < limit {
                let isBehind = tree.utf8.lexicographicallyPrecedes(name.utf8) && !name.hasPrefix(tree)
                guard !isBehind else { continue }
                for try await facts in try store.list(prefix: tree, after: name.hasPrefix(tree) ? name : nil) {
                    found.append(Entry(name: facts.name, size: facts.size))
                    if found.count == limit { break }
                }
            }
            return found
        }
    }

    private func open(_ name: String) async throws -> Response {
        let reader: any ObjectReader
        do {
            reader = try await reachable("open the object \(name)") { try await objects.store().open(name) }
        } catch let error where ObjectStorageError.isNotExist(error) {
            throw APIError(.notExist, code: "objectDoesNotExist", "There is no object \(name).", cause: error)
        }
        let body = ResponseBody(contentLength: Int(reader.size)) { writer in
            for try await bytes in reader.chunks() { try await writer.write(ByteBuffer(bytes: bytes)) }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "application/octet-stream"], body: body)
    }

    private func write(_ name: String, _ request: Request) async throws -> Response {
        guard let size = request.headers[.contentLength].flatMap({ Int64($0) }) else {
            throw APIError(.badRequest, code: "lengthRequired", "The length of an object must be said.")
        }
        do {
            _ = try await reachable("write the object \(name)") {
                try await objects.store().write(name, size: size, body: request.body.map { Array(buffer: $0) })
            }
        } catch let error where [.clash, .shortWrite].contains(ErrorChain(error).first(ObjectStorageError.self)?.kind) {
            throw APIError(.badRequest, code: "invalidObject", "The object \(name) cannot be stored.", cause: error)
        }
        return .empty()
    }

    // Whoever makes a backup or restores one is told what is in their way, and waits for a storage that comes back.
    private func reachable<Value: Sendable>(_ what: String, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await attempt(what, body)
        } catch let error where ErrorChain(error).first(ObjectStorageError.self)?.kind == .unavailable {
            Logger.current.warning("object storage cannot be used", error: error)
            let message = "The object storage cannot be used now; the log of the runservice says why."
            throw APIError(.unavailable, code: "objectStorageUnavailable", message, cause: error)
        }
    }

    // Segment by segment: an encoded slash must not become one.
    private static func name(in request: Request) throws -> String {
        let parts = request.uri.path.dropFirst(prefix.count).split(separator: "/", omittingEmptySubsequences: false)
        let decoded = parts.map { PercentEncoding.decode($0) ?? "/" }
        let name = decoded.joined(separator: "/")
        guard !decoded.contains(where: { $0.contains("/") }), trees.contains(where: name.hasPrefix) else {
            throw APIError(.badRequest, code: "invalidObject", "No log and no archive can have this name.")
        }
        do {
            try ObjectName.check(name)
        } catch {
            throw APIError(.badRequest, code: "invalidObject", "No object can have this name.", cause: error)
        }
        return name
    }
}

/// An object store that is opened by the first who needs it.
actor ObjectsOnDemand {
    private let open: @Sendable () async throws -> any ObjectStore
    private var opened: (any ObjectStore)?

    init(_ open: @escaping @Sendable () async throws -> any ObjectStore) {
        self.open = open
    }

    /// The store.
    /// - Throws: ``ObjectStorageError`` when it cannot be opened; the next call tries again.
    func store() async throws -> any ObjectStore {
        if let opened { return opened }
        let store = try await open()
        opened = store
        return store
    }
}
