import Base
import Synchronization

/// A backup's reader that hands its entries to uploads; one task at a time uses it.
final class SharedReader: Sendable {
    private let reader: Mutex<BackupReader>

    init(_ source: BackupSource) {
        reader = Mutex(BackupReader(source))
    }

    /// See ``BackupReader/next()``.
    func next() async throws -> (entry: BackupEntry, size: Int64)? {
        try await BlockingPool.shared.run { [self] in try reader.withLock { try $0.next() } }
    }

    /// See ``BackupReader/read()``.
    func read() async throws -> [UInt8]? {
        try await BlockingPool.shared.run { [self] in try reader.withLock { try $0.read() } }
    }

    /// The rest of a short entry.
    func text() async throws -> String {
        var bytes: [UInt8] = []
        while let piece = try await read() {
            bytes += piece
            guard bytes.count <= 4096 else { throw Failure("the entry is too long") }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The entry's content, as an upload takes it.
    struct Pieces: AsyncSequence, AsyncIteratorProtocol, Sendable {
        typealias Element = [UInt8]
        typealias Failure = any Error

        let reader: SharedReader
        let progress: TransferProgress

        func makeAsyncIterator() -> Pieces { self }

        mutating func next() async throws -> [UInt8]? {
            try Task.checkCancellation()
            let piece = try await reader.read()
            progress.add(piece?.count ?? 0)
            return piece
        }
    }
}
