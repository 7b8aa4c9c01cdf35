import Base
import Glibc

/// Keeps a second executor out of a data directory; gone with its owner, however that ends.
struct DirectoryLock: Sendable {
    private let file: OwnedDescriptor

    /// Locks the directory.
    /// - Throws: ``Failure`` when somebody else has it.
    init(_ directory: String) throws {
        file = try OwnedDescriptor(path: "\(directory)/lock", flags: O_RDWR | O_CREAT)
        guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else {
            throw Failure("another executor uses the data directory \(directory)")
        }
    }
}
