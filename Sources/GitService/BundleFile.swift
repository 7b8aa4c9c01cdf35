import Base
import Glibc
import SystemPackage

/// A bundle on its way out of or into a repository; gone with its owner.
///
/// Every call blocks.
final class BundleFile: Sendable {
    let path: String
    private let descriptor: Int32

    /// Makes an empty one.
    /// - Throws: ``SystemError``.
    init(directory: String) throws {
        path = "\(directory)/\(HexText.random(bytes: 8)).bundle"
        descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("create \(path)") }
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        unlink(path)
    }

    /// Adds bytes at the end.
    func append(_ bytes: [UInt8]) throws {
        try AtomicFile.writeAll(bytes, to: descriptor, path: path)
    }

    /// A descriptor that adds at the end.
    func appending() throws -> FileDescriptor {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw SystemError("duplicate a descriptor") }
        return FileDescriptor(rawValue: copy)
    }

    /// How many bytes there are.
    func size() throws -> Int64 {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw SystemError("look at \(path)") }
        return Int64(facts.st_size)
    }

    /// Up to `count` bytes from `offset`; none at the end.
    func read(at offset: Int64, count: Int) throws -> [UInt8] {
        while true {
            var code: Int32 = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                let got = pread(descriptor, buffer.baseAddress, count, off_t(offset))
                if got < 0 { code = errno }
                filled = max(got, 0)
            }
            if code == EINTR { continue }
            guard code == 0 else { throw SystemError("read \(path)", code: code) }
            return bytes
        }
    }
}
