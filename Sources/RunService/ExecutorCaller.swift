import Base
import Hummingbird
import Model
import ServiceKit

/// Who calls on behalf of a task: the executor and the attempt that it speaks for.
struct ExecutorCaller: Sendable {
    let task: TaskID
    let executor: ExecutorID
    let attempt: Int

    /// Reads path and parameters.
    /// - Throws: ``APIError`` of kind `badRequest`.
    init(_ request: Request, _ context: ServiceContext) throws {
        guard let attempt = try request.integer("attempt") else {
            throw APIError(.badRequest, "The parameter attempt is missing.")
        }
        self.attempt = Int(attempt)
        task = TaskID(try context.pathVariable("task"))
        executor = try Self.executor(context)
    }

    /// The executor in the path.
    /// - Throws: ``APIError`` of kind `badRequest`.
    static func executor(_ context: ServiceContext) throws -> ExecutorID {
        let id = try context.pathVariable("executor")
        guard RunObjects.isSegment(id), id.utf8.count <= 64 else {
            throw APIError(.badRequest, "An executor's id is a UUID.")
        }
        return ExecutorID(id)
    }

    /// What the executor holds.
    /// - Throws: ``APIError`` with code `attemptSuperseded`, or of kind `notExist`.
    func assignment(in scheduler: RunScheduler) async throws -> SchedulerState.Assignment {
        try await scheduler.assignment(of: task, attempt: attempt, to: executor)
    }
}
