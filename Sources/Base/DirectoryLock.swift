import Glibc

/// Keeps a second service of the same kind out of a data directory; gone with its owner, however that ends.
public final class DirectoryLock: Sendable {
    private let descriptor: Int32

    /// Takes an existing directory, as long as the value lives.
    /// - Parameters:
    ///   - directory: the directory, which gets a file named `lock`.
    ///   - service: what takes it, for people.
    /// - Throws: ``Failure`` when another process has it, ``SystemError`` when it cannot be used.
    public init(_ directory: String, for service: String) throws {
        let path = "\(directory)/lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            close(descriptor)
            guard reason == EWOULDBLOCK else { throw SystemError("lock \(path)", code: reason) }
            throw Failure("another \(service) uses the data directory \(directory): stop it first")
        }
    }

    deinit {
        close(descriptor)
    }
}
