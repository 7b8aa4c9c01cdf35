import Base
package import Hummingbird
package import Model
import NIOCore
package import ObjectStorage
import ServiceKit

/// Reads logs from a byte on, whether they still grow or are objects already.
package struct LogReader: Sendable {
    private static let pieceSize = 256 << 10

    private let intake: LogIntake
    private let objects: any ObjectStore
    private let queries: RunQueries

    /// Reads what the intake takes in and has stored.
    package init(intake: LogIntake, objects: any ObjectStore, queries: RunQueries) {
        self.intake = intake
        self.objects = objects
        self.queries = queries
    }

    /// The log as a response body.
    /// - Parameters:
    ///   - selector: which log.
    ///   - task: the task.
    ///   - run: the run that the task must belong to.
    ///   - offset: the first byte wanted.
    ///   - follows: whether the body goes on until the log is complete.
    /// - Returns: the body; its length is known for a log that is complete.
    /// - Throws: ``APIError`` of kind `notExist` when there is no such run, task, step or log.
    package func body(
        _ selector: LogSelector,
        of task: TaskID,
        run: RunID,
        from offset: Int64,
        follows: Bool
    ) async throws -> ResponseBody {
        let step = try await find(selector, of: task, run: run).step
        if let log = try await growingLog(selector, of: task, awaits: follows && step.phase == .running) {
            if follows { try await completeIfEnded(log, selector, of: task, run: run) }
            return Self.body(of: log, from: offset, follows: follows)
        }
        do {
            let reader = try await objects.open(RunObjects.log(selector, of: task))
            return ResponseBody(of: reader, from: offset)
        } catch let error where ObjectStorageError.isNotExist(error) {
            guard step.phase != .notstarted, step.logBytes == 0 else { throw Self.noLog }
            return ResponseBody()
        }
    }

    // A step that runs may be followed before its first byte: no event will tell of that.
    private func growingLog(_ selector: LogSelector, of task: TaskID, awaits: Bool) async throws -> GrowingLog? {
        if let log = try await intake.growingLog(selector, of: task) { return log }
        return awaits ? try await intake.awaitedLog(selector, of: task) : nil
    }

    // Who ends a step says so to the log that is there then: neither to one that was made later nor to one of a later process.
    private func completeIfEnded(
        _ log: GrowingLog,
        _ selector: LogSelector,
        of task: TaskID,
        run: RunID
    ) async throws {
        let (whole, step) = try await find(selector, of: task, run: run)
        // Of a step without an executor's word, more may come until its task has ended.
        guard step.phase.isFinished, let bytes = step.logBytes ?? (whole.status.isFinished ? log.size : nil) else {
            return
        }
        try await intake.complete(selector, of: task, bytes: bytes)
        // Taken away meanwhile, so that it was not found.
        log.complete(at: bytes)
    }

    static let noLog = APIError(.notExist, code: "logDoesNotExist", "This log doesn't exist.")

    /// The task and the step whose log is meant.
    /// - Throws: ``APIError`` of kind `notExist`.
    func find(
        _ selector: LogSelector,
        of task: TaskID,
        run: RunID
    ) async throws -> (task: RunTask, step: StepState) {
        guard let run = try await queries.run(run)?.run else {
            throw APIError(.notExist, code: "runDoesNotExist", "There is no such run.")
        }
        guard let task = run.tasks[task] else { throw Self.noLog }
        switch selector {
        case .setup: return (task, task.setupStep)
        case .step(let index):
            guard task.steps.indices.contains(index) else { throw Self.noLog }
            return (task, task.steps[index])
        }
    }

    private static func body(of log: GrowingLog, from start: Int64, follows: Bool) -> ResponseBody {
        ResponseBody { writer in
            var offset = start
            while true {
                let next = offset
                if follows {
                    // A body that breaks off is resumed by its reader; one that ended in order would count as complete.
                    let more = try await untilGracefulShutdown { try await log.waitForMore(beyond: next) }
                    guard let more else { throw Failure("the service stops while a log is followed") }
                    if !more { break }
                }
                let bytes = try await BlockingPool.shared.run { try log.read(at: next, limit: pieceSize) }
                if bytes.isEmpty { break }
                offset += Int64(bytes.count)
                try await writer.write(ByteBuffer(bytes: bytes))
            }
            try await writer.finish(nil)
        }
    }
}
