import Base
import FoundationEssentials
import Logging
import Model

/// Brings a task to its end that cannot go on: its logs so far, then the failure.
///
/// Either an earlier process of this executor began it, and its processes died with that one or when the driver prepared; or the disk
/// refused what must be kept of it.
struct TaskRecovery: Sendable {
    private let status: ExecutorTaskStatus
    private let reason: String
    private let directory: TaskDirectory
    private let files: BlockingPool

    /// Prepares the recovery of an earlier process's task; `record` is what that one wrote last, nil when it is lost.
    init(_ task: ExecutorTask, record: TaskRecord?, directory: TaskDirectory, files: BlockingPool) {
        // A record that could not be read knows nothing of the steps; what the runservice heard last is then the best.
        let known = record.flatMap { $0.status.steps.count == task.status.steps.count ? $0.status : nil }
        self.init(known ?? task.status, because: "executor restarted", directory: directory, files: files)
    }

    /// Prepares the recovery of a task that has come so far.
    init(_ status: ExecutorTaskStatus, because reason: String, directory: TaskDirectory, files: BlockingPool) {
        self.status = status
        self.reason = reason
        self.directory = directory
        self.files = files
    }

    /// Sends what is left and reports the end, however long the disk refuses to be read: nobody else knows that the task is over.
    /// - Throws: ``TaskDropped`` or `CancellationError`.
    func run(_ exchange: TaskExchange) async throws {
        var backoff = Backoff()
        while true {
            do {
                return try await pass(exchange)
            } catch let error as TaskDropped {
                throw error
            } catch {
                if ErrorChain(error).isCancellation { throw CancellationError() }
                Logger.current.warning("what is left of a task cannot be read yet", error: error)
            }
            try await backoff.wait()
        }
    }

    private func pass(_ exchange: TaskExchange) async throws {
        let logs = TaskLogs(directory)
        let final = try await files.run {
            var state = TaskState(recovering: status)
            state.abandon(because: reason, now: Date()) { directory.logBytes($0) }
            for selector in [LogSelector.setup] + status.steps.indices.map({ .step($0) })
            where directory.logBytes(selector) != nil {
                try logs.open(selector).complete()
            }
            logs.close()
            return state.status
        }
        try await LogSender(exchange, logs: logs, pool: files, asksFirst: true).run()
        try await exchange.finish(final, logs: logs, pool: files)
        try await files.run { try directory.remove() }
    }
}
