import Base
import HTTPTransport
import Hummingbird
import HTTPTypes
import Model
import NIOCore
import ServiceKit
import WorkerClients

/// Runs, tasks and logs of projects and users, and what can be done to them.
struct RunRoutes: Sendable {
    let runservice: RunServiceClient
    let owners: RunOwnerLookup
    let credentials: CloneCredentials
    private let listed = ListedRuns()

    func add(optional: GatewayRoutes, required: GatewayRoutes) {
        for place in RunOwnerLookup.Place.allCases {
            let runs = "\(place.rawValue)/:owner/runs"
            required.get("\(runs)") { request, context in try await list(request, context, place) }
            optional.get("\(runs)/:number") { _, context in
                try Response.json(RunResponse(try await visible(context, place)))
            }
            required.delete("\(runs)/:number") { _, context in try await remove(context, place) }
            required.put("\(runs)/:number/actions") { request, context in try await act(request, context, place) }
            optional.get("\(runs)/:number/tasks/:task") { _, context in try await task(context, place) }
            required.put("\(runs)/:number/tasks/:task/actions") { request, context in
                try await actOnTask(request, context, place)
            }
            optional.get("\(runs)/:number/tasks/:task/logs") { request, context in
                try await log(request, context, place)
            }
            required.delete("\(runs)/:number/tasks/:task/logs") { request, context in
                try await removeLog(request, context, place)
            }
        }
    }

    // MARK: Reading

    private func list(
        _ request: Request,
        _ context: GatewayContext,
        _ place: RunOwnerLookup.Place
    ) async throws -> Response {
        let fixed = ["start", "subgroup", "phase", "result"]
        let paging = try Paging(request, ascendingByDefault: false, fixedByCursor: fixed)
        let owner = try await owners.owner(place, context)
        try owner.requireSight(context.caller)
        var cursor = paging.cursor ?? ListCursor(isAscending: paging.isAscending)
        if paging.cursor == nil {
            cursor.startRunCounter = try request.integer("start", code: "invalidRunNumber").flatMap {
                $0 == 0 ? nil : $0
            }
            cursor.subGroup = request.query("subgroup")
            cursor.phaseFilter = request.queries("phase")
            cursor.resultFilter = request.queries("result")
        }
        let query = RunQuery(
            group: owner.group + (cursor.subGroup.map { $0.isEmpty ? "" : "/\($0)" } ?? ""),
            start: cursor.startRunCounter,
            limit: paging.limit,
            ascending: paging.isAscending,
            phases: cursor.phaseFilter ?? [],
            results: cursor.resultFilter ?? []
        )
        let page = try await relay { try await runservice.runTexts(query) }
        let (list, lastNumber) = try listed.list(of: page.runs)
        var response = Response.json(text: list)
        cursor.startRunCounter = lastNumber
        response.headers[.runCursor] = page.hasMore ? try cursor.text : ""
        return response
    }

    private func visible(_ context: GatewayContext, _ place: RunOwnerLookup.Place) async throws -> RunWithDefinition {
        try await run(context, place) { try $0.requireSight(context.caller) }
    }

    private func owned(_ context: GatewayContext, _ place: RunOwnerLookup.Place) async throws -> RunWithDefinition {
        try await run(context, place) { try $0.requireOwner(context.caller) }
    }

    private func run(
        _ context: GatewayContext,
        _ place: RunOwnerLookup.Place,
        _ check: (RunOwner) throws -> Void
    ) async throws -> RunWithDefinition {
        guard let number = Int64(try context.pathVariable("number")), number >= 0 else {
            throw APIError(.badRequest, code: "invalidRunNumber", "A run's number is a whole number.")
        }
        let owner = try await owners.owner(place, context)
        try check(owner)
        return try await relay(["runDoesNotExist"]) { try await runservice.run(number: number, in: owner.group) }
    }

    private func task(_ context: GatewayContext, _ place: RunOwnerLookup.Place) async throws -> Response {
        let whole = try await visible(context, place)
        let (task, definition) = try Self.task(of: whole, context)
        return try Response.json(RunTaskResponse(task, definition))
    }

    private static func task(
        of whole: RunWithDefinition,
        _ context: GatewayContext
    ) throws -> (RunTask, TaskDefinition) {
        let id = TaskID(try context.pathVariable("task"))
        guard let task = whole.run.tasks[id], let definition = whole.definition.tasks[id] else {
            throw APIError(.notExist, "The run has no such task.")
        }
        return (task, definition)
    }

    // MARK: Logs

    private func log(
        _ request: Request,
        _ context: GatewayContext,
        _ place: RunOwnerLookup.Place
    ) async throws -> Response {
        let selector = try Self.selector(request)
        let offset = try request.integer("offset") ?? 0
        let whole = try await visible(context, place)
        let id = TaskID(try context.pathVariable("task"))
        let follows = request.query("follow") != nil
        let reply = try await relay(["logDoesNotExist"]) {
            try await runservice.log(selector, of: id, run: whole.run.id, offset: offset, follow: follows)
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/plain;charset=UTF-8", .cacheControl: "no-cache", .xContentTypeOptions: "nosniff",
            ],
            body: .relaying(reply.body)
        )
    }

    private func removeLog(
        _ request: Request,
        _ context: GatewayContext,
        _ place: RunOwnerLookup.Place
    ) async throws -> Response {
        let selector = try Self.selector(request)
        let whole = try await owned(context, place)
        let id = TaskID(try context.pathVariable("task"))
        try await relay(["logDoesNotExist", "logNotComplete", "runDoesNotExist"]) {
            try await runservice.removeLog(selector, of: id, run: whole.run.id)
        }
        return .empty()
    }

    private static func selector(_ request: Request) throws -> LogSelector {
        switch (request.query("setup"), request.query("step")) {
        case (.some, nil): return .setup
        case (nil, let step?):
            guard let index = Int(step), index >= 0 else {
                throw APIError(.badRequest, code: "invalidRunTaskStepNumber", "A step is named by its number, from 0.")
            }
            return .step(index)
        default: throw APIError(.badRequest, "Ask for the log of either the setup or a step.")
        }
    }

    // MARK: Actions

    private struct Action: Decodable {
        var action_type: String?
        var from_start: Bool?
    }

    private func act(
        _ request: Request,
        _ context: GatewayContext,
        _ place: RunOwnerLookup.Place
    ) async throws -> Response {
        let whole = try await owned(context, place)
        let action: Action = try await request.json()
        switch action.action_type {
        case "restart":
            let fresh = try credentials.forRestart(of: whole.definition)
            let creation = RunCreation.restart(
                run: whole.run.id,
                fromStart: action.from_start ?? false,
                environment: fresh.environment,
                secrets: fresh.secrets
            )
            let run = try await relay(["runCannotBeRestarted"]) { try await runservice.create(creation) }
            return try await answer(run.id)
        case "cancel": return try await act(.cancel, on: whole.run.id)
        case "stop": return try await act(.stop, on: whole.run.id)
        default: throw APIError(.badRequest, "The action_type is restart, cancel or stop.")
        }
    }

    private func act(_ action: RunAction, on run: RunID) async throws -> Response {
        try await relay(["runPhaseRefused", "runNotActive"]) { try await runservice.act(action, on: run) }
        return try await answer(run)
    }

    private func remove(_ context: GatewayContext, _ place: RunOwnerLookup.Place) async throws -> Response {
        let whole = try await owned(context, place)
        try await relay(["runNotEnded", "runDoesNotExist"]) { try await runservice.remove(whole.run.id) }
        return .empty()
    }

    private func answer(_ run: RunID) async throws -> Response {
        try Response.json(RunResponse(try await relay { try await runservice.run(run) }))
    }

    private func actOnTask(
        _ request: Request,
        _ context: GatewayContext,
        _ place: RunOwnerLookup.Place
    ) async throws -> Response {
        let user = try context.caller.requireUser()
        let whole = try await owned(context, place)
        let action: Action = try await request.json()
        guard action.action_type == "approve" else { throw APIError(.badRequest, "The action_type is approve.") }
        let codes: Set = ["runTaskDoesNotExist", "runTaskAlreadyApproved", "runTaskNotWaitingApproval"]
        let task = TaskID(try context.pathVariable("task"))
        try await relay(codes) { try await runservice.approve(task, of: whole.run.id, by: user.id) }
        return .empty(.ok)
    }
}
