import Base
package import Model

/// The names of the objects that runs leave.
///
/// Data belongs to a task, not to a run: a run that was restarted from its failed tasks keeps the tasks that succeeded, with what
/// they left. Each run that uses the data of a task has a marker beside it, an empty object.
package enum RunObjects {
    /// The two trees of data that belongs to tasks.
    package enum Tree: String, Sendable, CaseIterable {
        /// `logs/<task>/data/setup.log`, `logs/<task>/data/steps/<n>.log`.
        case logs
        /// `workspacearchives/<task>/data/<step>.tar`.
        case archives = "workspacearchives"

        /// What all names of the tree begin with.
        package var prefix: String { "\(rawValue)/" }
        /// What the names of a task's data begin with.
        package func data(of task: TaskID) -> String { "\(rawValue)/\(task)/data/" }
        /// What the names of a task's markers begin with.
        package func markers(of task: TaskID) -> String { "\(rawValue)/\(task)/runs/" }
        /// The marker that says: this run uses the data of this task.
        package func marker(of task: TaskID, for run: RunID) -> String { markers(of: task) + run.text }
    }

    /// What the names of caches begin with.
    package static let caches = "caches/"

    /// A log of a task.
    package static func log(_ selector: LogSelector, of task: TaskID) -> String {
        switch selector {
        case .setup: "\(Tree.logs.data(of: task))setup.log"
        case .step(let index): "\(Tree.logs.data(of: task))steps/\(index).log"
        }
    }

    /// What a step put into the workspace.
    package static func archive(ofStep index: Int, of task: TaskID) -> String {
        "\(Tree.archives.data(of: task))\(index).tar"
    }

    /// Whether an identity can be a part of a name; those that Martlet makes always can.
    package static func isSegment(_ id: String) -> Bool {
        (1...100).contains(id.utf8.count) && !id.hasPrefix(".")
            && id.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "/") }
    }
}
