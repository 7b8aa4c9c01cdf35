import Base
import Synchronization

/// A walk over a directory tree in the order of full names.
///
/// Starts in the deepest directory that the prefix names, and holds the entries of one directory per level.
final class PosixWalk: Sendable {
    private struct Level {
        /// The directory's name with its separator; empty for the root.
        let name: String
        var entries: ArraySlice<PosixDirectory.Entry>
    }

    private let data: String
    private let prefix: String
    private let after: String?
    private let levels: Mutex<[Level]?> = Mutex(nil)

    init(data: String, prefix: String, after: String?) {
        self.data = data
        self.prefix = prefix
        self.after = after
    }

    /// The next object, or nil at the end.
    func next() throws -> ObjectFacts? {
        try levels.withLock { levels in
            var stack = try levels ?? start()
            defer { levels = stack }
            while let top = stack.indices.last {
                guard let entry = stack[top].entries.popFirst() else {
                    stack.removeLast()
                    continue
                }
                let name = stack[top].name + entry.key
                guard isWanted(name) else { continue }
                if entry.isDirectory {
                    if let level = try level(name) { stack.append(level) }
                } else if let facts = try PosixFiles.facts("\(data)/\(name)", name: name) {
                    return facts
                }
            }
            return nil
        }
    }

    private func start() throws -> [Level] {
        let directory = prefix.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(prefix[...$0]) } ?? ""
        return try level(directory).map { [$0] } ?? []
    }

    private func level(_ name: String) throws -> Level? {
        let path = name.isEmpty ? data : "\(data)/\(name.dropLast())"
        return try PosixDirectory.entries(of: path).map { Level(name: name, entries: $0[...]) }
    }

    /// Whether a file, or anything in a directory (its name ends with the separator), may be listed.
    private func isWanted(_ name: String) -> Bool {
        let isInPrefix =
            name.utf8.starts(with: prefix.utf8) || (name.hasSuffix("/") && prefix.utf8.starts(with: name.utf8))
        guard isInPrefix, let after else { return isInPrefix }
        if after.utf8.lexicographicallyPrecedes(name.utf8) { return true }
        return name.hasSuffix("/") && after.utf8.starts(with: name.utf8)
    }
}
