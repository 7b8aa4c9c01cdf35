import Base
package import FoundationEssentials
package import Model

/// What happens to the scheduler.
package enum SchedulerEvent: Sendable {
    /// A run was created; it has its number.
    case created(Run, RunDefinition)
    /// Somebody cancels a queued run.
    case cancel(RunID)
    /// Somebody stops a running run.
    case stop(RunID)
    /// Somebody approves a task.
    case approve(RunID, TaskID, UserID)
    /// An executor registered or gave a sign of life.
    case executorSeen(ExecutorID, ExecutorRegistration)
    /// Somebody deleted an executor.
    case executorDeleted(ExecutorID)
    /// An executor reports how a task goes.
    case reported(TaskID, attempt: Int, executor: ExecutorID, ExecutorTaskStatus)
    /// Time passed; executors silent for longer than the time-out in seconds are lost.
    case tick(timeout: TimeInterval)
}

/// What has to be stored or told because of an event.
package enum SchedulerEffect: Sendable, Equatable {
    /// The live run changed.
    case saveRun(Run)
    /// The run ended and moves from the live state to the records.
    case archiveRun(Run)
    /// The assignment is new or changed.
    case saveAssignment(SchedulerState.Assignment)
    /// The assignment is over.
    case removeAssignment(TaskID)
    /// The executor is new or changed.
    case saveExecutor(ExecutorID, ExecutorRegistration)
    /// The executor is gone.
    case removeExecutor(ExecutorID)
    /// Somebody following the runs has to know.
    case event(RunEvent)
    /// The executor has other work than before.
    case wake(ExecutorID)
}
