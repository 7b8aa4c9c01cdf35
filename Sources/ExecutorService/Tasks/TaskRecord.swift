import Base
import Model

/// What the executor keeps of a task on disk, so that a later process knows that it began.
///
/// Holds no secrets.
struct TaskRecord: Codable, Sendable, Equatable {
    /// The task.
    var task: TaskID
    /// The run, for logs.
    var run: RunID
    /// The attempt.
    var attempt: Int
    /// How it went when the record was written.
    var status: ExecutorTaskStatus

    /// Stands for a record that cannot be read: whichever attempt the runservice lists, it may have begun.
    static func unreadable(_ task: TaskID) -> Self {
        Self(task: task, run: RunID(""), attempt: .max, status: ExecutorTaskStatus(steps: 0))
    }
}
