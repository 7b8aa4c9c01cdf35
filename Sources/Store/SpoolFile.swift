import Base
import Glibc

/// A file without a name, written once from the front and then read: gone with its owner, also when the process is killed.
///
/// Every call blocks. One caller writes; afterwards any number may read.
final class SpoolFile: Sendable {
    private let descriptor: Int32
    /// Where it lies.
    let directory: String

    /// Makes an empty one on the file system of `directory`, which is created if missing.
    /// - Throws: ``SystemError``.
    init(directory: String) throws {
        self.directory = directory
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw SystemError("create \(directory)") }
        let path = "\(directory)/\(HexText.random(bytes: 8)).spool"
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("create \(path)") }
        unlink(path)
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// Appends bytes.
    /// - Throws: ``SystemError``, such as for a full disk.
    func append(_ bytes: [UInt8]) throws {
        try AtomicFile.writeAll(bytes, to: descriptor, path: "a spool file in \(directory)")
    }

    /// Up to `count` bytes from `offset`; fewer only at the end.
    /// - Throws: ``SystemError``.
    func read(at offset: Int64, count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let position = Int(offset) + bytes.count
            let wanted = count - bytes.count
            var code: Int32 = 0
            let part = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
                let got = pread(descriptor, buffer.baseAddress, wanted, position)
                if got < 0 { code = errno }
                filled = max(got, 0)
            }
            if code == EINTR { continue }
            guard code == 0 else { throw SystemError("read a spool file in \(directory)", code: code) }
            if part.isEmpty { break }
            bytes += part
        }
        return bytes
    }
}
