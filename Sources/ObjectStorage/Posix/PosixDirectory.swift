import Base
import Glibc

/// Reads one directory at once.
enum PosixDirectory {
    struct Entry {
        let name: String
        let isDirectory: Bool
    }

    /// The entries in no order; nil when the directory does not exist.
    ///
    /// Names that are not UTF-8 are nobody's objects and left out.
    static func entries(of path: String) throws -> [Entry]? {
        guard let stream = opendir(path) else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw SystemError("open \(path)")
        }
        defer { closedir(stream) }
        var entries: [Entry] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
            }
            guard let name, name != ".", name != ".." else { continue }
            switch Int(entry.pointee.d_type) {
            case Int(DT_REG): entries.append(Entry(name: name, isDirectory: false))
            case Int(DT_DIR): entries.append(Entry(name: name, isDirectory: true))
            case Int(DT_UNKNOWN): if let entry = look(path, name) { entries.append(entry) }
            default: break
            }
            errno = 0
        }
        guard errno == 0 else { throw SystemError("read \(path)") }
        return entries
    }

    /// Some file systems do not tell an entry's type.
    private static func look(_ directory: String, _ name: String) -> Entry? {
        var facts = stat()
        guard lstat("\(directory)/\(name)", &facts) == 0 else { return nil }
        switch facts.st_mode & S_IFMT {
        case S_IFREG: return Entry(name: name, isDirectory: false)
        case S_IFDIR: return Entry(name: name, isDirectory: true)
        default: return nil
        }
    }
}
