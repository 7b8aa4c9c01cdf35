import Model

/// Which tasks this process runs or finished, and what an answer of the runservice means for them.
struct Assignments: Sendable {
    /// Something to do.
    enum Action: Sendable, Equatable {
        /// Run a task that has not begun anywhere.
        case start(ExecutorTask)
        /// Ask a running task to end.
        case stop(TaskID)
        /// End a running task at once and tell nobody: it is no longer ours.
        case abort(TaskID)
        /// Say that a task was stopped before it began.
        case cancel(ExecutorTask)
        /// Report a task as failed that an earlier process had begun; its record may be lost.
        case recover(ExecutorTask, TaskRecord?)
        /// Remove what an earlier process left of a task that the runservice does not ask about.
        case forget(TaskID)
    }

    private struct Known {
        var attempt: Int
        var isStopping = false
        var isAborting = false
    }

    private let executor: ExecutorID
    private var known: [TaskID: Known] = [:]
    /// The last attempt that this process is through with, as long as the runservice may still list it.
    private var ended: [TaskID: Int] = [:]
    private var abandoned: [TaskID: TaskRecord]
    private var latest: [ExecutorTask] = []

    /// Begins with the records that an earlier process left.
    init(executor: ExecutorID, abandoned records: [TaskRecord]) {
        self.executor = executor
        abandoned = Dictionary(records.map { ($0.task, $0) }) { $1 }
    }

    /// Takes a new answer of the runservice.
    mutating func decide(_ tasks: [ExecutorTask]) -> [Action] {
        latest = tasks.filter { $0.spec.executor == executor }
        let listed = Set(latest.map(\.spec.id))
        ended = ended.filter { listed.contains($0.key) }
        var actions: [Action] = []
        for (id, task) in known.sorted(by: { $0.key < $1.key }) where !listed.contains(id) && !task.isAborting {
            known[id]?.isAborting = true
            actions.append(.abort(id))
        }
        for id in abandoned.keys.sorted() where !listed.contains(id) {
            abandoned[id] = nil
            actions.append(.forget(id))
        }
        return actions + latest.compactMap { decide($0) }
    }

    /// A task has ended here; a newer attempt of it may now begin.
    mutating func end(_ task: TaskID) -> [Action] {
        guard let known = known.removeValue(forKey: task) else { return [] }
        ended[task] = known.attempt
        return latest.filter { $0.spec.id == task }.compactMap { decide($0) }
    }

    private mutating func decide(_ task: ExecutorTask) -> Action? {
        let (id, attempt) = (task.spec.id, task.spec.attempt)
        if let known = known[id] { return decide(task, known) }
        if let ended = ended[id], ended >= attempt { return nil }
        guard !task.status.phase.isFinished else { return nil }
        let record = abandoned.removeValue(forKey: id)
        known[id] = Known(attempt: attempt)
        if let record, record.attempt >= attempt { return .recover(task, record) }
        if task.status.phase == .running { return .recover(task, nil) }
        if task.spec.stop { return .cancel(task) }
        return .start(task)
    }

    private mutating func decide(_ task: ExecutorTask, _ known: Known) -> Action? {
        let id = task.spec.id
        if task.spec.attempt > known.attempt, !known.isAborting {
            self.known[id]?.isAborting = true
            return .abort(id)
        }
        guard task.spec.attempt == known.attempt, task.spec.stop, !known.isStopping, !known.isAborting else {
            return nil
        }
        self.known[id]?.isStopping = true
        return .stop(id)
    }
}
