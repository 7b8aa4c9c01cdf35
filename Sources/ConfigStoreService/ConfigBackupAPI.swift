import Base
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import ServiceKit
import Store

/// The routes by which the key of the configstore's secrets gets into a backup and back.
///
/// Without the key the records of a backup are worth little: who has lost it enters every secret anew.
struct ConfigBackupAPI: Sendable {
    let store: ServiceStore
    let keyPath: String
    let mark: RestoreMark
    let isInMaintenance: Bool

    /// Adds the routes below `backup`.
    func addRoutes(to group: RouterGroup<ServiceContext>) {
        RestoreRoutes(mark: mark, isOpen: isInMaintenance, isEmpty: isEmpty).add(to: group)
        group.get("key") { _, _ in
            try await mark.expectNone()
            return try await key()
        }
        group.put("key") { request, _ in
            try await mark.expect(isOpen: isInMaintenance)
            let bytes = try await request.bytes(limit: SealingKey.size)
            guard bytes.count == SealingKey.size else {
                throw APIError(.badRequest, code: "invalidKey", "A key has \(SealingKey.size) bytes.")
            }
            try await BlockingPool.shared.run { [keyPath] in try AtomicFile.write(bytes, to: keyPath) }
            return Response.empty()
        }
    }

    // What a first start makes by itself does not count.
    private func isEmpty() async throws -> Bool {
        try await store.read { tx in
            let made = [KeyCheck.recordType, RemoteSource.recordType]
            return try ConfigExport.types.allSatisfy {
                try made.contains($0) || tx.records(type: $0, limit: 1).isEmpty
            }
        }
    }

    private func key() async throws -> Response {
        let data = try await BlockingPool.shared.run { [keyPath] in
            try attempt("read the key") { try Data(contentsOf: URL(filePath: keyPath)) }
        }
        return Response(
            status: .ok,
            headers: [.contentType: "application/octet-stream", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: data))
        )
    }
}
