import Base
import Model
import ObjectStorage

/// All that one tree of the object storage holds of one task.
struct TaskFolder: Sendable {
    /// A marker and the run that it speaks of.
    struct Marker: Sendable {
        let run: RunID
        let facts: ObjectFacts
    }

    let tree: RunObjects.Tree
    let task: TaskID
    private(set) var markers: [Marker] = []
    private(set) var data: [ObjectFacts] = []

    /// When the last of it was written, in seconds since 1970.
    var newest: Double { (markers.map(\.facts.modified) + data.map(\.modified)).max() ?? 0 }

    /// Takes an object of the task; others are left alone.
    /// - Returns: whether the object belongs here.
    fileprivate mutating func take(_ facts: ObjectFacts) -> Bool {
        if facts.name.hasPrefix(tree.data(of: task)) {
            data.append(facts)
        } else if facts.name.hasPrefix(tree.markers(of: task)) {
            let run = RunID(String(facts.name.dropFirst(tree.markers(of: task).count)))
            markers.append(Marker(run: run, facts: facts))
        } else {
            return false
        }
        return true
    }
}

/// The folders of a tree, one after another, read as they are asked for: names of one task stand side by side in a listing.
struct TaskFolders: Sendable {
    private let tree: RunObjects.Tree
    private var listing: ObjectListing.Iterator
    private var next: ObjectFacts?

    init(_ tree: RunObjects.Tree, in objects: any ObjectStore) throws {
        self.tree = tree
        listing = try objects.list(prefix: tree.prefix, after: nil).makeAsyncIterator()
    }

    /// The next folder, or nil at the end; objects that are none of a task's are skipped.
    mutating func nextFolder() async throws -> TaskFolder? {
        while let facts = try await nextFacts() {
            guard let task = task(of: facts.name) else { continue }
            var folder = TaskFolder(tree: tree, task: task)
            _ = folder.take(facts)
            while let more = try await nextFacts() {
                guard self.task(of: more.name) == task else {
                    next = more
                    break
                }
                _ = folder.take(more)
            }
            return folder
        }
        return nil
    }

    private mutating func nextFacts() async throws -> ObjectFacts? {
        if let facts = next {
            next = nil
            return facts
        }
        return try await listing.next()
    }

    private func task(of name: String) -> TaskID? {
        let parts = name.dropFirst(tree.prefix.count).split(separator: "/", omittingEmptySubsequences: false)
        return parts.count > 1 ? TaskID(String(parts[0])) : nil
    }
}
