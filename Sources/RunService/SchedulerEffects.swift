import Base
import FoundationEssentials
import Model

/// Collects what one event changed, so that a run that changes five times is stored once.
struct SchedulerEffects {
    private var creations: [RunEvent] = []
    private var savedRuns: Set<RunID> = []
    private var changedRuns: [RunID] = []
    private var changedTasks: [(task: TaskID, run: RunID)] = []
    private var endedRuns: [RunID: Run] = [:]
    private var changedAssignments: Set<TaskID> = []
    private var changedExecutors: Set<ExecutorID> = []
    private var woken: Set<ExecutorID> = []

    mutating func created(_ run: Run, _ now: Date) {
        creations.append(RunEvent(run, at: now))
    }

    /// The run changed in a way that nobody follows.
    mutating func saved(_ run: RunID) {
        savedRuns.insert(run)
    }

    /// The run's phase or result changed.
    mutating func runChanged(_ run: RunID) {
        savedRuns.insert(run)
        if !changedRuns.contains(run) { changedRuns.append(run) }
    }

    mutating func taskChanged(_ task: TaskID, of run: RunID) {
        savedRuns.insert(run)
        if !changedTasks.contains(where: { $0.task == task }) { changedTasks.append((task, run)) }
    }

    mutating func ended(_ run: Run) {
        endedRuns[run.id] = run
    }

    mutating func assignmentChanged(_ task: TaskID, waking executor: ExecutorID?) {
        changedAssignments.insert(task)
        if let executor { woken.insert(executor) }
    }

    mutating func executorChanged(_ executor: ExecutorID) {
        changedExecutors.insert(executor)
    }

    /// The effects, from the state after the event.
    func list(
        runs: [RunID: SchedulerState.ActiveRun],
        assignments: [TaskID: SchedulerState.Assignment],
        executors: [ExecutorID: SchedulerState.ExecutorState],
        now: Date
    ) -> [SchedulerEffect] {
        var list = creations.map(SchedulerEffect.event)
        for (task, run) in changedTasks {
            guard let run = runs[run]?.run ?? endedRuns[run], let task = run.tasks[task] else { continue }
            list.append(.event(RunEvent(task, of: run, at: now)))
        }
        for id in changedRuns {
            guard let run = runs[id]?.run ?? endedRuns[id] else { continue }
            list.append(.event(RunEvent(run, at: now)))
        }
        list += endedRuns.values.map(SchedulerEffect.archiveRun)
        list += savedRuns.compactMap { runs[$0].map { .saveRun($0.run) } }
        list += changedAssignments.map { id in assignments[id].map { .saveAssignment($0) } ?? .removeAssignment(id) }
        list += changedExecutors.map { id in
            executors[id].map { .saveExecutor(id, $0.registration) } ?? .removeExecutor(id)
        }
        list += woken.map(SchedulerEffect.wake)
        return list
    }
}
