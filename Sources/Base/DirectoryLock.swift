import Glibc

/// Keeps a second service of the same kind out of a data directory; gone with its owner, however that ends.
public final class DirectoryLock: Sendable {
    /// A killed owner may have been starting a process, which has the lock until it executes its program or is killed, too.
    private static let patience: Duration = .seconds(2)

    private let descriptor: Int32

    /// Takes an existing directory, as long as the value lives; blocks for up to two seconds.
    /// - Parameters:
    ///   - directory: the directory, which gets a file named `lock`.
    ///   - service: what takes it, for people.
    /// - Throws: ``Failure`` when another process has it, ``SystemError`` when it cannot be used.
    public init(_ directory: String, for service: String) throws {
        // An initializer that throws once every property is set runs deinit, too, so the descriptor is set last.
        descriptor = try Self.lock(directory, for: service)
    }

    deinit {
        close(descriptor)
    }

    private static func lock(_ directory: String, for service: String) throws -> Int32 {
        let path = "\(directory)/lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        let end = Deadline.after(patience)
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let reason = errno
            if reason == EWOULDBLOCK, !end.isPast {
                usleep(5_000)
                continue
            }
            // What throws here is released like any other: the descriptor is closed once, by deinit.
            guard reason == EWOULDBLOCK else { throw SystemError("lock \(path)", code: reason) }
            throw Failure("another \(service) uses the data directory \(directory): stop it first")
        }
        return descriptor
    }
}
