import Base

/// A whole export on the local disk, to be sent at the receiver's pace; gone with its last owner.
///
/// It is written at the disk's speed, so that a slow receiver does not hold the store's snapshot.
package final class ExportFile: Sendable {
    /// The first line.
    package let header: ExportHeader
    /// Records in it.
    package let entries: Int64
    /// Bytes of all lines.
    package let size: Int64

    private let spool: SpoolFile

    init(header: ExportHeader, entries: Int64, size: Int64, spool: SpoolFile) {
        self.header = header
        self.entries = entries
        self.size = size
        self.spool = spool
    }

    /// Copies the whole export into a file of mode 0600 that appears whole; blocks.
    /// - Throws: ``SystemError``.
    func copy(to path: String) throws {
        var offset: Int64 = 0
        let next = { [spool] in
            let part = try spool.read(at: offset, count: 1 << 20)
            offset += Int64(part.count)
            return part
        }
        try AtomicFile.write(pieces: next, to: path)
    }

    /// Up to `count` bytes from `offset`; none at the end.
    /// - Throws: ``StoreError`` of kind unavailable.
    @concurrent package func read(at offset: Int64, count: Int) async throws -> [UInt8] {
        do {
            return try await BlockingPool.shared.run { [self] in
                try spool.read(at: offset, count: Int(min(Int64(count), size - offset)))
            }
        } catch let error as SystemError {
            throw StoreError(.unavailable, "read an export", cause: error)
        }
    }
}
