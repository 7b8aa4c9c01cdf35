/// How names become paths of files.
package enum PosixLayout: Sendable {
    /// A name is a path: directories are seen as they are, and an object cannot be the parent of others.
    case tree
    /// Every name stands for itself, as in S3; for tests of what a hierarchy would hide.
    case flat

    /// The path of an object below the directory of all.
    func path(of name: String) -> String {
        switch self {
        case .tree: name
        case .flat: FlatName.path(of: name)
        }
    }

    /// The deepest directory that holds everything whose name begins with `prefix`: what the names in it begin with, and its path.
    func start(of prefix: String) -> (name: String, path: String) {
        switch self {
        case .tree:
            let name = prefix.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(prefix[...$0]) } ?? ""
            return (name, String(name.dropLast()))
        case .flat:
            return FlatName.start(of: prefix)
        }
    }

    /// What an entry of a directory adds to a name; nil when it is no part of an object's name.
    func part(of entry: String, isDirectory: Bool) -> String? {
        switch self {
        case .tree: isDirectory ? entry + "/" : entry
        case .flat: FlatName.part(of: entry, isDirectory: isDirectory)
        }
    }
}
