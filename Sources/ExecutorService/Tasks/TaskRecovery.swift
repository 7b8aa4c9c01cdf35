import Base
import FoundationEssentials
import Logging
import Model

/// Brings a task to its end that an earlier process of this executor began: its logs so far, then the failure.
///
/// The processes are dead already; they died with the executor, or when its driver prepared.
struct TaskRecovery: Sendable {
    private static let attempts = 6

    private let task: ExecutorTask
    private let record: TaskRecord?
    private let directory: TaskDirectory
    private let files: BlockingPool

    /// Prepares the recovery; `record` is what the earlier process wrote last, nil when that is lost.
    init(_ task: ExecutorTask, record: TaskRecord?, directory: TaskDirectory, files: BlockingPool) {
        self.task = task
        self.record = record
        self.directory = directory
        self.files = files
    }

    /// Sends what is left and reports the end.
    /// - Throws: ``TaskDropped``, `CancellationError`, or what the disk says after several attempts.
    func run(_ exchange: TaskExchange) async throws {
        var backoff = Backoff()
        while true {
            do {
                return try await pass(exchange)
            } catch is LogIncomplete {
                // The runservice lost log bytes once more: they are sent again.
            } catch let error as SystemError where backoff.failures < Self.attempts {
                Logger.current.warning("what is left of a task cannot be read yet", error: error)
            }
            try await backoff.wait()
        }
    }

    private func pass(_ exchange: TaskExchange) async throws {
        let directory = directory
        let logs = TaskLogs(directory)
        // A record that could not be read knows nothing of the steps; what the runservice heard last is then the best.
        let known = record.flatMap { $0.status.steps.count == task.status.steps.count ? $0.status : nil }
        let heard = task.status
        var state = try await files.run {
            var state = TaskState(recovering: known ?? heard, heard: heard)
            state.abandon(because: "executor restarted", now: Date()) { directory.logBytes($0) }
            // A log that the disk lost altogether is opened too, to hear what the runservice has of it.
            let steps =
                [(LogSelector.setup, state.status.setupStep)]
                + state.status.steps.enumerated().map { (LogSelector.step($0), $1) }
            for (selector, step) in steps where step.logBytes != nil { try logs.open(selector).complete() }
            logs.close()
            return state
        }
        state.settle(logs: try await LogSender(exchange, logs: logs, pool: files, asksFirst: true).run())
        try await exchange.report(state.status)
        await directory.discard(on: files)
    }
}
