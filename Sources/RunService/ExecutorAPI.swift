import Base
import FoundationEssentials
package import Hummingbird
import Model
package import ServiceKit

/// The routes by which executors register, wait for work, report, and send logs.
package struct ExecutorAPI: Sendable {
    private let scheduler: RunScheduler
    private let intake: LogIntake

    /// Serves the parts given.
    package init(scheduler: RunScheduler, intake: LogIntake) {
        self.scheduler = scheduler
        self.intake = intake
    }

    /// Adds the routes below `/api/v1alpha`.
    package func addRoutes(to group: RouterGroup<ServiceContext>) {
        group.put("executors/:executor") { request, context in try await register(request, context) }
        group.delete("executors/:executor") { _, context in
            try await scheduler.submit(.event(.executorDeleted(try ExecutorCaller.executor(context))))
            return Response.empty()
        }
        group.get("executors/:executor/work") { request, context in try await work(request, context) }
        group.put("executors/:executor/tasks/:task") { request, context in try await report(request, context) }
        group.post("executors/:executor/tasks/:task/logs/:selector") { request, context in
            try await appendLog(request, context)
        }
    }

    private func register(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let registration: ExecutorRegistration = try await request.json()
        guard registration.activeTasksLimit >= 0 else {
            throw APIError(.badRequest, "An executor's limit of active tasks must not be negative.")
        }
        try await scheduler.submit(.event(.executorSeen(try ExecutorCaller.executor(context), registration)))
        return Response.empty()
    }

    private func work(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let executor = try ExecutorCaller.executor(context)
        let seconds = min(60, max(0, try request.integer("seconds") ?? 0))
        let version = try request.integer("after") ?? 0
        let work = try await untilGracefulShutdown {
            try await scheduler.work(for: executor, after: version, until: .after(.seconds(seconds)))
        }
        guard let work else { throw APIError(.unavailable, "The runservice is stopping. Ask again in a moment.") }
        return try Response.json(work)
    }

    private func report(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try ExecutorCaller(request, context)
        let status: ExecutorTaskStatus = try await request.json()
        let run = try await caller.assignment(in: scheduler).spec.run
        try await ReportIntake(scheduler: scheduler, intake: intake)
            .take(status, of: caller.task, attempt: caller.attempt, run: run, from: caller.executor)
        return Response.empty()
    }

    private func appendLog(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try ExecutorCaller(request, context)
        let assignment = try await caller.assignment(in: scheduler)
        guard let selector = LogSelector(try context.pathVariable("selector")), assignment.has(selector),
            let offset = try request.integer("offset")
        else { throw APIError(.badRequest, "The task has no such log, or the parameter offset is missing.") }
        let bytes = try await request.bytes(limit: 4 << 20)
        let stored = try await intake.append(bytes, at: offset, to: selector, of: caller.task)
        return try Response.json(LogAcknowledgement(offset: stored))
    }
}

extension SchedulerState.Assignment {
    fileprivate func has(_ selector: LogSelector) -> Bool {
        switch selector {
        case .setup: true
        case .step(let index): status.steps.indices.contains(index)
        }
    }
}
