import Base
import Model

/// What executors may see: the assignments and registrations that are stored.
///
/// The scheduler's own state runs ahead of the disk while a commit is on its way. An executor that saw it could begin a task whose
/// assignment is then lost.
struct PublishedWork: Sendable {
    private struct Entry {
        var assignment: SchedulerState.Assignment
        /// What to do; needed until the executor says that it has begun.
        var data: ExecutorTaskSpecData?
    }

    private var entries: [TaskID: Entry] = [:]
    private var executors: Set<ExecutorID> = []

    /// Nothing.
    init() {}

    /// What was just read from the store.
    init(loaded state: SchedulerState) {
        executors = Set(state.executors.keys)
        for assignment in state.assignments.values { put(assignment, state) }
    }

    /// The tasks that executors hold.
    var tasks: Set<TaskID> { Set(entries.keys) }

    /// Whether an executor has registered.
    func knows(_ executor: ExecutorID) -> Bool { executors.contains(executor) }

    /// Takes over what was just stored.
    /// - Parameters:
    ///   - effects: what was stored, in order.
    ///   - state: the state that it led to.
    mutating func publish(_ effects: [SchedulerEffect], _ state: SchedulerState) {
        for effect in effects {
            switch effect {
            case .saveAssignment(let assignment): put(assignment, state)
            case .removeAssignment(let task): entries[task] = nil
            case .saveExecutor(let executor, _): executors.insert(executor)
            case .removeExecutor(let executor): executors.remove(executor)
            default: break
            }
        }
    }

    /// The tasks of an executor, with what to do for those that it may not know yet.
    func work(for executor: ExecutorID) -> [ExecutorTask] {
        entries.values.filter { $0.assignment.spec.executor == executor }
            .sorted { $0.assignment.spec.id < $1.assignment.spec.id }
            .map { ExecutorTask(spec: $0.assignment.spec, specData: $0.data, status: $0.assignment.status) }
    }

    /// The assignment that an executor speaks of.
    /// - Throws: ``APIError`` with code `attemptSuperseded` when the attempt is not the current one, or of kind `notExist`.
    func assignment(of task: TaskID, attempt: Int, to executor: ExecutorID) throws -> SchedulerState.Assignment {
        try SchedulerState.checked(entries[task]?.assignment, of: task, attempt: attempt, to: executor)
    }

    private mutating func put(_ assignment: SchedulerState.Assignment, _ state: SchedulerState) {
        let task = assignment.spec.id
        entries[task] = Entry(assignment: assignment, data: state.specData(of: assignment))
    }
}
