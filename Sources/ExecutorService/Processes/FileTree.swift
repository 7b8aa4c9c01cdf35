import Base
import CLinux
import Glibc

/// Small files and directories, by plain system calls that block briefly: files 0600, directories 0700.
enum FileTree {
    /// Makes a directory with those above it; one that exists is fine.
    /// - Throws: ``SystemError`` naming the path.
    static func makeDirectory(_ path: String, mode: mode_t = 0o700) throws {
        if mkdir(path, mode) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw SystemError("make directory \(path)")
        }
        try makeDirectory(String(path[..<slash]), mode: mode)
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw SystemError("make directory \(path)") }
    }

    /// Makes a directory with exactly these rights; one that exists gets them.
    /// - Throws: ``SystemError`` naming the path.
    static func makeDirectory(_ path: String, exactly mode: mode_t) throws {
        try makeDirectory(path, mode: mode)
        // The umask is the process's own affair.
        guard chmod(path, mode) == 0 else { throw SystemError("open \(path)") }
    }

    /// Writes a file, whole or not at all.
    /// - Throws: ``SystemError`` naming the path.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o600) throws {
        let draft = path + ".new"
        let file = try OwnedDescriptor(path: draft, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        try FailPoint.taskWrite.write(bytes.count) {
            try AtomicFile.writeAll(Array(bytes.prefix($0)), to: file.number, path: draft)
        }
        try FailPoint.taskRename.pass()
        // The umask is the process's own affair; the mode asked for is part of what is written.
        guard fchmod(file.number, mode) == 0, rename(draft, path) == 0 else { throw SystemError("write \(path)") }
    }

    /// Reads a whole file.
    /// - Throws: ``SystemError`` naming the path.
    static func read(_ path: String) throws -> [UInt8] {
        let file = try OwnedDescriptor(path: path, flags: O_RDONLY)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = Glibc.read(file.number, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("read \(path)") }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    /// The names in a directory, without its own and its parent's; none when it does not exist.
    static func names(in path: String) throws -> [String] {
        guard let directory = opendir(path) else {
            if errno == ENOENT { return [] }
            throw SystemError("list \(path)")
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Removes a directory with everything in it, whatever the modes; one that does not exist is fine.
    /// - Throws: ``SystemError`` naming the path.
    static func remove(_ path: String) throws {
        guard clinux_remove_tree(path) == 0 else { throw SystemError("remove \(path)") }
    }

    /// Whether something has that name, be it a link to nowhere.
    static func exists(_ path: String) -> Bool {
        var facts = stat()
        return lstat(path, &facts) == 0
    }
}
