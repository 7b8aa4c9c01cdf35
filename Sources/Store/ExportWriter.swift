import Base
import Crypto
import FoundationEssentials

/// Writes the records that one transaction shows into a spool file, in constant memory.
struct ExportWriter {
    /// Bytes between two writes.
    private static let chunk = 1 << 20

    private let spool: SpoolFile
    private var buffer: [UInt8] = []
    private var hash = SHA256()
    private var entries: Int64 = 0
    private var size: Int64 = 0

    private init(spool: SpoolFile) {
        self.spool = spool
    }

    /// Exports everything that `tx` shows; runs on a thread of the store's.
    static func export(
        service: String,
        types: [String],
        from tx: ReadTransaction,
        into spool: SpoolFile
    ) throws -> ExportFile {
        let meta = try Meta.read(tx.db)
        // Types of a newer version are carried along: whoever goes back a version loses nothing.
        let stored = try tx.rows("SELECT DISTINCT type FROM record ORDER BY type").map { try $0.text("type") }
        let types = types + stored.filter { !types.contains($0) }
        let header = ExportHeader(
            service: service,
            storeID: meta.storeID,
            epoch: meta.epoch,
            revision: meta.revision,
            types: types,
            createdAt: Date()
        )
        var writer = ExportWriter(spool: spool)
        writer.buffer += try header.line()
        for type in types { try writer.write(type, from: tx) }
        return try writer.end(header)
    }

    private mutating func write(_ type: String, from tx: ReadTransaction) throws {
        let ending = Array("\",\"data_type\":\(JSONText.quoted(type)),\"data\":\"".utf8)
        try tx.forEachRow("SELECT id, data FROM record WHERE type = ? ORDER BY id", [.text(type)]) { row in
            let start = buffer.count
            buffer += Array("{\"id\":\(JSONText.quoted(try row.text("id")))".utf8)
            buffer.removeLast()
            buffer += ending
            buffer += try row.blob("data").base64EncodedData()
            buffer += Array("\"}\n".utf8)
            buffer[start...].withUnsafeBytes { hash.update(bufferPointer: $0) }
            entries += 1
            if buffer.count >= Self.chunk { try flush() }
        }
    }

    private mutating func end(_ header: ExportHeader) throws -> ExportFile {
        buffer += try ExportTrailer(entries: entries, sha256: HexText.text(hash.finalize())).line()
        try flush()
        return ExportFile(header: header, entries: entries, size: size, spool: spool)
    }

    private mutating func flush() throws {
        try spool.append(buffer)
        size += Int64(buffer.count)
        buffer.removeAll(keepingCapacity: true)
    }
}

extension ServiceStore {
    /// Makes an export of all records as they are now: one consistent snapshot that holds every acknowledged commit.
    ///
    /// Always possible, also in maintenance. Live keys, events and groups are not in it.
    /// - Parameters:
    ///   - service: the service, which an import compares.
    ///   - types: the known record types, in the order they are to be written; others follow them.
    /// - Returns: the whole export, ready to be read.
    /// - Throws: ``StoreError``, such as `unavailable` on a full disk; nothing is left then.
    @concurrent package func export(service: String, types: [String]) async throws -> ExportFile {
        try await Self.export(service: service, types: types, of: authority, from: store)
    }

    @concurrent static func export(
        service: String,
        types: [String],
        of authority: any CommitAuthority,
        from store: LocalStore
    ) async throws -> ExportFile {
        try await store.waitApplied(authority.currentRevision(), timeout: .seconds(30))
        let directory = store.spoolDirectory
        do {
            return try await store.read { tx in
                let spool = try SpoolFile(directory: directory)
                return try ExportWriter.export(service: service, types: types, from: tx, into: spool)
            }
        } catch let error as SystemError {
            throw StoreError(.unavailable, "export the \(service)", cause: error)
        }
    }
}
