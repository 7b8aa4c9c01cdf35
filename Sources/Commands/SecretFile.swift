import Base
import Glibc

/// A file for its owner alone that appears whole or not at all.
final class SecretFile: Sendable {
    private let path: String
    private let draft: String
    private let mayReplace: Bool
    private let descriptor: Int32

    /// Begins to write beside `path`.
    /// - Throws: ``CommandFailure`` when there is something already that must not be replaced, ``SystemError``.
    init(_ path: String, mayReplace: Bool) throws {
        self.path = path
        self.mayReplace = mayReplace
        draft = "\(path).\(String(UInt64.random(in: .min ... .max), radix: 36)).part"
        guard mayReplace || access(path, F_OK) != 0 else { throw Self.exists(path) }
        descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SystemError("create \(draft)") }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        // Gone already when it was finished.
        unlink(draft)
    }

    /// Appends bytes.
    /// - Throws: ``SystemError`` naming the path.
    func write(_ bytes: [UInt8]) throws {
        try AtomicFile.writeAll(bytes, to: descriptor, path: draft)
    }

    /// Makes the file appear under its name, on the disk for certain.
    /// - Throws: ``CommandFailure`` when somebody else made a file of that name meanwhile, ``SystemError``.
    func finish() throws {
        guard fsync(descriptor) == 0 else { throw SystemError("sync \(draft)") }
        if mayReplace {
            guard rename(draft, path) == 0 else { throw SystemError("rename \(draft) to \(path)") }
        } else {
            // A link, other than a rename, never replaces anything.
            guard link(draft, path) == 0 else {
                throw errno == EEXIST ? Self.exists(path) : SystemError("link \(draft) to \(path)")
            }
        }
        try AtomicFile.syncDirectory(of: path)
    }

    private static func exists(_ path: String) -> any Error {
        CommandFailure("\(path) is there already: name another file, or say --force-overwrite")
    }
}
