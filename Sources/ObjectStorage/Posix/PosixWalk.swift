import Base
import Synchronization

/// A walk over a directory tree in the order of full names.
///
/// Starts in the deepest directory that the prefix names, and holds the entries of one directory per level.
final class PosixWalk: Sendable {
    private struct Level {
        /// What the names in the directory begin with.
        let name: String
        let path: String
        var entries: ArraySlice<Entry>
    }

    private struct Entry {
        /// What the entry adds to a name; all names in a directory begin with it.
        let part: String
        let file: String
        let isDirectory: Bool

        /// An object comes before those that continue its name.
        func precedes(_ other: Entry) -> Bool {
            if part.utf8.elementsEqual(other.part.utf8) { return !isDirectory && other.isDirectory }
            return part.utf8.lexicographicallyPrecedes(other.part.utf8)
        }
    }

    private let data: String
    private let layout: PosixLayout
    private let prefix: String
    private let after: String?
    private let levels: Mutex<[Level]?> = Mutex(nil)

    init(data: String, layout: PosixLayout, prefix: String, after: String?) {
        self.data = data
        self.layout = layout
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
                let name = stack[top].name + entry.part
                guard isWanted(name, entry.isDirectory) else { continue }
                let path = "\(stack[top].path)/\(entry.file)"
                if entry.isDirectory {
                    if let level = try level(name, path) { stack.append(level) }
                } else if let facts = try PosixFiles.facts(path, name: name) {
                    return facts
                }
            }
            return nil
        }
    }

    private func start() throws -> [Level] {
        let (name, path) = layout.start(of: prefix)
        return try level(name, path.isEmpty ? data : "\(data)/\(path)").map { [$0] } ?? []
    }

    private func level(_ name: String, _ path: String) throws -> Level? {
        guard let found = try PosixDirectory.entries(of: path) else { return nil }
        let entries = found.compactMap { entry in
            layout.part(of: entry.name, isDirectory: entry.isDirectory).map {
                Entry(part: $0, file: entry.name, isDirectory: entry.isDirectory)
            }
        }
        return Level(name: name, path: path, entries: entries.sorted { $0.precedes($1) }[...])
    }

    /// Whether an object, or anything in a directory, may be listed.
    private func isWanted(_ name: String, _ isDirectory: Bool) -> Bool {
        let isInPrefix = name.utf8.starts(with: prefix.utf8) || (isDirectory && prefix.utf8.starts(with: name.utf8))
        guard isInPrefix, let after else { return isInPrefix }
        if after.utf8.lexicographicallyPrecedes(name.utf8) { return true }
        return isDirectory && after.utf8.starts(with: name.utf8)
    }
}
