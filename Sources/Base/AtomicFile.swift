public import Glibc

/// Replaces small files so that a reader, or a machine that loses power, sees the old content or the new one, never a mix.
///
/// The calls block; asynchronous callers put them on a ``BlockingPool``.
public enum AtomicFile {
    /// Writes `bytes` to `path`: a new file beside it is written, synced and renamed, then the directory is synced.
    ///
    /// - Throws: ``SystemError`` naming the path; the old content is then untouched.
    public static func write(_ bytes: some Sequence<UInt8>, to path: String, permissions: mode_t = 0o600) throws {
        var rest: [UInt8]? = Array(bytes)
        let single: () -> [UInt8] = {
            defer { rest = nil }
            return rest ?? []
        }
        try write(pieces: single, to: path, permissions: permissions)
    }

    /// Writes the pieces that `next` returns, until an empty one, to `path`, in the same way.
    ///
    /// - Throws: ``SystemError`` naming the path, and what `next` throws; the old content is then untouched.
    public static func write(pieces next: () throws -> [UInt8], to path: String, permissions: mode_t = 0o600) throws {
        let temporary = "\(path).\(String(UInt64.random(in: .min ... .max), radix: 36)).tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions)
        guard descriptor >= 0 else { throw SystemError("create \(temporary)") }
        do {
            defer { close(descriptor) }
            while case let piece = try next(), !piece.isEmpty {
                try FailPoint.fileWrite.write(piece.count) {
                    try writeAll(Array(piece.prefix($0)), to: descriptor, path: temporary)
                }
            }
            try FailPoint.fileSync.pass()
            guard fsync(descriptor) == 0 else { throw SystemError("sync \(temporary)") }
            try FailPoint.fileRename.pass()
            guard rename(temporary, path) == 0 else { throw SystemError("rename \(temporary) to \(path)") }
        } catch {
            unlink(temporary)
            throw error
        }
        try FailPoint.fileDirectory.pass()
        try syncDirectory(of: path)
    }

    /// Writes all of `bytes` at the descriptor's position, however many calls that takes; `path` is for errors.
    ///
    /// - Throws: ``SystemError``; a part may be written then.
    public static func writeAll(_ bytes: [UInt8], to descriptor: Int32, path: String) throws {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(descriptor, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("write \(path)") }
            offset += count
        }
    }

    /// Makes the entry of `path` in its directory survive a power loss.
    ///
    /// - Throws: ``SystemError`` naming the directory.
    public static func syncDirectory(of path: String) throws {
        let parent = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) }
        try sync(directory: parent.map { $0.isEmpty ? "/" : $0 } ?? ".")
    }

    /// Makes a directory's entries survive a power loss.
    ///
    /// - Throws: ``SystemError`` naming the directory.
    public static func sync(directory path: String) throws {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SystemError("sync \(path)") }
    }
}
