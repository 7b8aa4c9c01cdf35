import Base
import Glibc
import SystemPackage

/// Holds a repository for one push, against everything that may change its refs.
///
/// The lock lies on the file that git's standard error is written to, so git and its children hold it too: after a crash of
/// the service, the next one sees whether an orphaned git may still move refs, and waits for its end before it judges.
struct PushLock: ~Copyable {
    private let descriptor: Int32

    /// How long an orphan may take; it dies as soon as it writes to its vanished service.
    private static let patience: Duration = .seconds(60)

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        Glibc.close(descriptor)
    }

    /// Takes the lock of the repository in `directory`.
    /// - Throws: ``APIError`` of kind `unavailable` when an orphaned git does not end.
    static func acquire(_ directory: String) async throws -> PushLock {
        let path = "\(directory)/push.log"
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        let lock = PushLock(descriptor)
        let end = ContinuousClock.now.advanced(by: patience)
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else { throw SystemError("lock \(path)") }
            guard .now < end else {
                throw APIError(
                    .unavailable,
                    code: "repositoryBusy",
                    "The repository is busy with an earlier push. Try again."
                )
            }
            // Nothing tells when another process ends that is not our child; this happens after a crash only.
            try await Task.sleep(for: .milliseconds(20))
        }
        guard ftruncate(descriptor, 0) == 0 else { throw SystemError("empty \(path)") }
        return lock
    }

    /// A file for git's standard error that shares the lock.
    func complaints() throws -> FileDescriptor {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw SystemError("duplicate a descriptor") }
        return FileDescriptor(rawValue: copy)
    }

    /// The beginning of what git complained about.
    var complaint: String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
