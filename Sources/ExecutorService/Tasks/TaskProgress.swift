import Base
import Model
import Synchronization

/// The state of a running task, shared by the thread of its step and the reports about it.
final class TaskProgress: Sendable {
    /// Where the task's record and logs are.
    let directory: TaskDirectory
    private let record: TaskRecord
    private let state: Mutex<TaskState>
    private let changed = Signal()

    /// The progress of a task that is about to begin, or that began in an earlier process.
    init(_ record: TaskRecord, directory: TaskDirectory) {
        self.record = record
        self.directory = directory
        state = Mutex(TaskState(recovering: record.status))
    }

    /// What the runservice is told.
    var status: ExecutorTaskStatus { state.withLock { $0.status } }

    /// The step to run now.
    var nextStep: Int? { state.withLock { $0.nextStep } }

    /// Changes the state; a report follows soon, together with later changes.
    func update(_ change: (inout TaskState) -> Void) {
        state.withLock { change(&$0) }
        changed.raise()
    }

    /// Makes the task's directory, which says that the task has begun; blocks briefly.
    func create() throws {
        try directory.create(record)
    }

    /// Waits until the disk has what ``create()`` made; blocks.
    func synchronize() throws {
        try directory.synchronize()
    }

    /// Writes the record; blocks briefly.
    func save() throws {
        var record = record
        record.status = status
        try directory.write(record)
    }

    /// Reports every state until the task is over, the last one excepted: that one comes after the logs.
    func reportUntilOver(to exchange: TaskExchange) async throws {
        while true {
            try await changed.wait()
            let status = status
            if status.phase.isFinished { return }
            do {
                try await exchange.report(status)
            } catch is LogIncomplete {
                // Only the last report must wait for the logs; what this one said, the next one says too.
            }
        }
    }
}
