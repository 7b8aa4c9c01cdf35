import Base
import FoundationEssentials
import Glibc

/// Keeps a second git server off a data directory: two of them would each believe that pushes come one at a time.
final class DataDirectoryLock: Sendable {
    private let descriptor: Int32

    /// Creates the directory when it does not exist and takes it, as long as the value lives.
    /// - Throws: ``Failure`` when another process has it.
    init(_ directory: String) throws {
        let path = "\(directory)/lock"
        try attempt("create \(directory)") {
            try FileManager.default.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        }
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw Failure("another git server uses \(directory): stop it first")
        }
    }

    deinit {
        close(descriptor)
    }
}
