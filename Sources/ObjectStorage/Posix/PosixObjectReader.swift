import Base
import Glibc

/// An open file.
final class PosixObjectReader: ObjectReader {
    let size: Int64
    private let descriptor: Int32
    private let name: String
    private let pool: BlockingPool

    init(path: String, name: String, pool: BlockingPool) throws {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        var facts = Glibc.stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            // No property is set yet, so deinit does not close the descriptor again.
            close(descriptor)
            throw ObjectStorageError(.notExist, name: name)
        }
        self.descriptor = descriptor
        size = Int64(facts.st_size)
        self.name = name
        self.pool = pool
    }

    deinit {
        close(descriptor)
    }

    @concurrent func read(_ range: Range<Int64>) async throws -> [UInt8] {
        let range = range.clamped(to: 0..<size)
        guard !range.isEmpty else { return [] }
        return try await pool.run { [self] in try readNow(range) }
    }

    private func readNow(_ range: Range<Int64>) throws -> [UInt8] {
        let count = range.count
        var problem: ObjectStorageError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let offset = off_t(range.lowerBound) + off_t(filled)
                let got = pread(descriptor, buffer.baseAddress?.advanced(by: filled), count - filled, offset)
                if got < 0, errno == EINTR { continue }
                guard got > 0 else {
                    let cause = got < 0 ? SystemError("read object \(name)") : nil
                    problem = ObjectStorageError(.unavailable, name: name, "it ends at \(offset)", cause: cause)
                    return
                }
                filled += got
            }
        }
        if let problem { throw problem }
        return bytes
    }
}
