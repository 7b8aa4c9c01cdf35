import Base
import FoundationEssentials
import Logging
import Model

/// The runservice lacks log bytes that it had acknowledged: it lost them in a crash of its own.
struct LogIncomplete: Error {}

/// The runservice no longer wants to hear of a task: it ended, was given away or never was.
struct TaskDropped: Error {}

/// Reaches the runservice on behalf of one attempt of a task, for as long as it takes.
struct TaskExchange: Sendable {
    /// The runservice.
    let link: any RunServiceLink
    /// The task.
    let task: TaskID
    /// The attempt, which fences everything that is said.
    let attempt: Int
    /// The executor.
    let executor: ExecutorID

    /// Reports the last status, after every log byte; what the runservice lost meanwhile is sent again.
    /// - Throws: ``TaskDropped`` or `CancellationError`.
    func finish(_ status: ExecutorTaskStatus, logs: TaskLogs, pool: BlockingPool) async throws {
        while true {
            do {
                return try await report(logs.corrected(status))
            } catch is LogIncomplete {
                Logger.current.warning("runservice lost log bytes")
                try await LogSender(self, logs: logs, pool: pool, asksFirst: true).run()
            }
        }
    }

    /// Reports a task as failed of which nothing can be read here; its logs end with what the runservice has.
    /// - Throws: ``TaskDropped`` or `CancellationError`.
    func giveUp(_ status: ExecutorTaskStatus, because reason: String) async throws {
        var backoff = Backoff()
        while true {
            var state = TaskState(recovering: status)
            state.abandon(because: reason, now: Date()) { _ in nil }
            var final = state.status
            if final.setupStep.phase.isFinished { final.setupStep.logBytes = try await storedBytes(.setup) }
            for index in final.steps.indices where final.steps[index].phase.isFinished {
                final.steps[index].logBytes = try await storedBytes(.step(index))
            }
            do {
                return try await report(final)
            } catch is LogIncomplete {
                try await backoff.wait()
            }
        }
    }

    private func storedBytes(_ log: LogSelector) async throws -> Int64 {
        try await sendLog(log, offset: 0, bytes: [])
    }

    /// Reports a status until the runservice has it.
    /// - Throws: ``TaskDropped``, ``LogIncomplete`` or `CancellationError`.
    func report(_ status: ExecutorTaskStatus) async throws {
        try await persist("report task") {
            try await link.report(task, attempt: attempt, status: status, from: executor)
        }
    }

    /// Sends a chunk until the runservice has it, or says where it wants to go on.
    /// - Returns: the offset of the next chunk.
    /// - Throws: ``TaskDropped`` or `CancellationError`.
    func sendLog(_ log: LogSelector, offset: Int64, bytes: [UInt8]) async throws -> Int64 {
        try await persist("send log") {
            do {
                let acknowledgement = try await link.sendLog(
                    task,
                    attempt: attempt,
                    log: log,
                    offset: offset,
                    bytes: bytes,
                    from: executor
                )
                return acknowledgement.offset
            } catch {
                guard let offset = Self.resumption(in: error) else { throw error }
                return offset
            }
        }
    }

    private func persist<Value: Sendable>(_ what: String, _ body: () async throws -> Value) async throws -> Value {
        var backoff = Backoff()
        while true {
            try Task.checkCancellation()
            do {
                return try await body()
            } catch {
                if ErrorChain(error).isCancellation { throw CancellationError() }
                if Self.drops(error) { throw TaskDropped() }
                if ErrorChain(error).first(RemoteError.self)?.code == "logIncomplete" { throw LogIncomplete() }
                Logger.current.warning(
                    "runservice did not answer as hoped",
                    error: error,
                    metadata: ["call": "\(what)"]
                )
            }
            try await backoff.wait()
        }
    }

    private static func drops(_ error: any Error) -> Bool {
        guard let remote = ErrorChain(error).first(RemoteError.self) else { return false }
        return remote.code == "attemptSuperseded" || remote.kind == .notExist
    }

    private static func resumption(in error: any Error) -> Int64? {
        guard let remote = ErrorChain(error).first(RemoteError.self), remote.code == "logOffsetMismatch" else {
            return nil
        }
        return remote.details["offset"].flatMap { Int64($0) }
    }
}
