import Model

/// The tasks that wait for an executor; those of older runs come first.
struct WaitingTasks: Sendable {
    struct Entry: Hashable, Comparable {
        let sequence: Int64
        let position: Int
        let run: RunID
        let task: TaskID

        static func < (left: Self, right: Self) -> Bool {
            (left.sequence, left.position, left.task) < (right.sequence, right.position, right.task)
        }
    }

    private var byRun: [RunID: [Entry]] = [:]

    var isEmpty: Bool { byRun.isEmpty }

    /// The entries, oldest run first.
    var ordered: [Entry] {
        byRun.values.joined().sorted()
    }

    /// Replaces the waiting tasks of a run.
    mutating func set(_ tasks: [TaskID], of run: Run) {
        byRun[run.id] =
            tasks.isEmpty
            ? nil
            : tasks.enumerated().map {
                Entry(sequence: run.sequence, position: $0.offset, run: run.id, task: $0.element)
            }
    }

    mutating func remove(_ entry: Entry) {
        byRun[entry.run]?.removeAll { $0 == entry }
        if byRun[entry.run]?.isEmpty == true { byRun[entry.run] = nil }
    }
}
