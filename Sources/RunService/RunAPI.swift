import Base
import HTTPTypes
package import Hummingbird
import Model
import NIOCore
package import ServiceKit

/// The routes by which the gateway creates, reads and steers runs.
package struct RunAPI: Sendable {
    private let creator: RunCreator
    private let queries: RunQueries
    private let scheduler: RunScheduler
    private let removal: RunRemoval
    private let logs: LogReader
    private let logRemoval: LogRemoval
    private let events: RunEventFeed

    /// Serves the parts given.
    package init(
        creator: RunCreator,
        queries: RunQueries,
        scheduler: RunScheduler,
        removal: RunRemoval,
        logs: LogReader,
        logRemoval: LogRemoval,
        events: RunEventFeed
    ) {
        self.creator = creator
        self.queries = queries
        self.scheduler = scheduler
        self.removal = removal
        self.logs = logs
        self.logRemoval = logRemoval
        self.events = events
    }

    /// Adds the routes below `/api/v1alpha`.
    package func addRoutes(to group: RouterGroup<ServiceContext>) {
        group.post("runs") { request, _ in
            try Response.json(try await creator.create(try await request.json(limit: 32 << 20)), status: .created)
        }
        group.get("runs") { request, _ in
            let page = try await queries.page(try Self.query(of: request))
            let body = ResponseBody(byteBuffer: ByteBuffer(bytes: page.lines))
            return Response(status: .ok, headers: [.contentType: "application/x-ndjson"], body: body)
        }
        group.get("runs/:run") { _, context in try Response.json(try await run(context)) }
        group.delete("runs/:run") { _, context in
            try await removal.remove(RunID(try context.pathVariable("run")))
            return Response.empty()
        }
        group.get("runs/number/:number") { request, context in
            try Response.json(try await runByNumber(request, context))
        }
        group.put("runs/:run/actions/:action") { _, context in try await act(context) }
        group.put("runs/:run/tasks/:task/approval") { request, context in try await approve(request, context) }
        group.get("runs/:run/tasks/:task/logs/:selector") { request, context in try await log(request, context) }
        group.delete("runs/:run/tasks/:task/logs/:selector") { _, context in
            let (run, task) = (RunID(try context.pathVariable("run")), TaskID(try context.pathVariable("task")))
            try await logRemoval.remove(try Self.selector(context), of: task, run: run)
            return Response.empty()
        }
        group.get("events") { request, _ in
            guard let base = request.query("group") else {
                throw APIError(.badRequest, "The parameter group is missing.")
            }
            return events.response(of: base, after: try request.integer("after"))
        }
    }

    private func run(_ context: ServiceContext) async throws -> RunWithDefinition {
        guard let run = try await queries.run(RunID(try context.pathVariable("run"))) else { throw Self.noRun }
        return run
    }

    private func runByNumber(_ request: Request, _ context: ServiceContext) async throws -> RunWithDefinition {
        guard let number = Int64(try context.pathVariable("number")), let base = request.query("group") else {
            throw APIError(.badRequest, code: "invalidRunNumber", "A run's number is a whole number.")
        }
        guard let run = try await queries.run(number: number, in: base) else { throw Self.noRun }
        return run
    }

    private func act(_ context: ServiceContext) async throws -> Response {
        let id = RunID(try context.pathVariable("run"))
        guard try await queries.run(id) != nil else { throw Self.noRun }
        switch RunAction(rawValue: try context.pathVariable("action")) {
        case .cancel: try await scheduler.submit(.event(.cancel(id)))
        case .stop: try await scheduler.submit(.event(.stop(id)))
        case nil: throw APIError(.badRequest, "A run can be cancelled or stopped.")
        }
        return Response.empty()
    }

    private func approve(_ request: Request, _ context: ServiceContext) async throws -> Response {
        guard let user = request.query("user") else { throw APIError(.badRequest, "The parameter user is missing.") }
        let (run, task) = (RunID(try context.pathVariable("run")), TaskID(try context.pathVariable("task")))
        try await scheduler.submit(.event(.approve(run, task, UserID(user))))
        return Response.empty()
    }

    private func log(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let selector = try Self.selector(context)
        let offset = try request.integer("offset") ?? 0
        guard offset >= 0 else { throw APIError(.badRequest, "The parameter offset must not be negative.") }
        let body = try await logs.body(
            selector,
            of: TaskID(try context.pathVariable("task")),
            run: RunID(try context.pathVariable("run")),
            from: offset,
            follows: request.query("follow") != nil
        )
        return Response(status: .ok, headers: [.contentType: "text/plain;charset=UTF-8"], body: body)
    }

    private static func selector(_ context: ServiceContext) throws -> LogSelector {
        guard let selector = LogSelector(try context.pathVariable("selector")) else {
            throw APIError(
                .badRequest,
                code: "invalidRunTaskStepNumber",
                "A log is that of the setup or of a step's number."
            )
        }
        return selector
    }

    private static let noRun = APIError(.notExist, code: "runDoesNotExist", "There is no such run.")

    private static func query(of request: Request) throws -> RunQuery {
        guard let group = request.query("group") else { throw APIError(.badRequest, "The parameter group is missing.") }
        let limit = try request.integer("limit", code: "invalidLimit") ?? 30
        guard limit >= 0 else { throw APIError(.badRequest, code: "invalidLimit", "The limit must not be negative.") }
        return RunQuery(
            group: group,
            start: try request.integer("start", code: "invalidRunNumber"),
            limit: Int(limit),
            ascending: request.query("ascending") != nil,
            phases: request.queries("phase"),
            results: request.queries("result")
        )
    }
}
