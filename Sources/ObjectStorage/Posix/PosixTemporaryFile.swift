import Base
import Glibc

/// A file being written, locked as long as its writer lives, so that cleaning spares it.
final class PosixTemporaryFile: Sendable {
    let path: String
    let descriptor: Int32

    init(directory: String) throws {
        let path = "\(directory)/\(String(UInt64.random(in: .min ... .max), radix: 36))"
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("create \(path)") }
        flock(descriptor, LOCK_EX | LOCK_NB)
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// Removes the file of a write that failed.
    func discard() {
        unlink(path)
    }
}
