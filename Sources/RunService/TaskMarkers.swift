import Base
import Logging
package import Model
package import ObjectStorage

/// Counts who uses the data of tasks, and removes what nobody uses any more.
///
/// Data goes only when two things are true: no marker is left, and no run in the store has the task. The second can never become
/// false again: tasks get new identities, except those that a restarted run keeps, and the commit of such a run expects the run that
/// it was made from. So no order of restarts and removals, and no crash between them, loses data that a run refers to.
package struct TaskMarkers: Sendable {
    private let objects: any ObjectStore
    private let queries: RunQueries

    /// Keeps the markers beside the data.
    package init(objects: any ObjectStore, queries: RunQueries) {
        self.objects = objects
        self.queries = queries
    }

    /// Says that a run is going to use what there is of some tasks; durable when this returns.
    package func mark(_ tasks: some Collection<TaskID>, for run: RunID) async throws {
        for task in tasks {
            for tree in RunObjects.Tree.allCases where try await !isEmpty(tree.data(of: task)) {
                try await objects.write(tree.marker(of: task, for: run), bytes: [])
            }
        }
    }

    /// Says that a run which is no longer in the store used some tasks, and removes what nobody uses any more.
    ///
    /// What a failure leaves is removed by ``ObjectKeeping`` later.
    package func release(_ tasks: some Collection<TaskID>, of run: RunID) async {
        for task in tasks {
            for tree in RunObjects.Tree.allCases {
                do {
                    try await objects.delete(tree.marker(of: task, for: run))
                    try await removeUnused(tree, of: task)
                } catch {
                    Logger.current.warning(
                        "data of a removed run is left for later",
                        error: error,
                        metadata: ["run": "\(run)", "task": "\(task)", "tree": "\(tree.rawValue)"]
                    )
                }
            }
        }
    }

    /// Removes the data of a task unless somebody uses it.
    /// - Returns: whether nobody does.
    @discardableResult
    func removeUnused(_ tree: RunObjects.Tree, of task: TaskID) async throws -> Bool {
        guard try await isEmpty(tree.markers(of: task)), try await queries.runs(with: task).isEmpty else {
            return false
        }
        try await removeData(tree, of: task)
        return true
    }

    /// Removes the data of a task, whoever uses it.
    func removeData(_ tree: RunObjects.Tree, of task: TaskID) async throws {
        for try await facts in try objects.list(prefix: tree.data(of: task), after: nil) {
            try await objects.delete(facts.name)
        }
    }

    /// Whether no object has a name that begins so.
    func isEmpty(_ prefix: String) async throws -> Bool {
        var listing = try objects.list(prefix: prefix, after: nil).makeAsyncIterator()
        return try await listing.next() == nil
    }
}
