import Base
import HTTPTypes
package import Hummingbird
import Model
package import ObjectStorage
package import ServiceKit

/// The routes by which executors keep and fetch workspace archives and caches on behalf of a task that they hold.
///
/// Every call names its attempt; one of an older attempt is refused, and what it uploads never becomes visible.
package struct ArchiveAPI: Sendable {
    private let scheduler: RunScheduler
    private let queries: RunQueries
    private let archives: WorkspaceArchives
    private let caches: Caches
    private let limit: Int64

    /// Serves what is kept in `objects`, and takes archives of at most `limit` bytes.
    package init(scheduler: RunScheduler, queries: RunQueries, objects: any ObjectStore, limit bytes: Int) {
        self.scheduler = scheduler
        self.queries = queries
        archives = WorkspaceArchives(objects: objects)
        caches = Caches(objects: objects)
        limit = Int64(bytes)
    }

    /// Adds the routes below `/api/v1alpha`.
    package func addRoutes(to group: RouterGroup<ServiceContext>) {
        let task = group.group("executors/:executor/tasks/:task")
        task.put("archives/:step") { request, context in try await saveArchive(request, context) }
        task.get("archives/:step") { request, context in try await openArchive(request, context) }
        task.put("caches/:key") { request, context in try await saveCache(request, context) }
        task.get("caches/:key") { request, context in try await openCache(request, context) }
        task.head("caches/:key") { request, context in
            let key = try await key(request, context)
            return Response.empty(try await caches.exists(key) ? .noContent : .notFound)
        }
    }

    // MARK: Workspace archives

    private func saveArchive(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try ExecutorCaller(request, context)
        let assignment = try await caller.assignment(in: scheduler)
        let step = try Self.step(context)
        guard assignment.status.steps.indices.contains(step) else {
            throw APIError(.badRequest, code: "invalidRunTaskStepNumber", "The task has no such step.")
        }
        let body = try UploadBody(request, limit: limit) { _ = try await caller.assignment(in: scheduler) }
        try await archives.save(
            body,
            size: body.announced,
            ofStep: step,
            of: caller.task,
            run: assignment.spec.run
        )
        return Response.empty()
    }

    private func openArchive(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let run = try await ExecutorCaller(request, context).assignment(in: scheduler).spec.run
        guard let source = request.query("task").map({ TaskID($0) }) else {
            throw APIError(.badRequest, "The parameter task is missing.")
        }
        let step = try Self.step(context)
        guard try await queries.runs(with: source).contains(run) else {
            throw APIError(.notExist, code: "archiveDoesNotExist", "The run has no such task.")
        }
        return Self.answer(try await archives.open(step: step, of: source))
    }

    // MARK: Caches

    private func saveCache(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try ExecutorCaller(request, context)
        let key = try await key(request, context)
        let isStored = try await caches.save(key, size: UploadBody.announced(by: request)) { isComplete in
            try UploadBody(request, limit: limit) {
                _ = try await caller.assignment(in: scheduler)
                try await isComplete()
            }
        }
        return Response.empty(isStored ? .noContent : .notModified)
    }

    private func openCache(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let key = try await key(request, context)
        let isPrefix = request.query("prefix") != nil
        return Self.answer(isPrefix ? try await caches.openNewest(key) : try await caches.open(key))
    }

    private func key(_ request: Request, _ context: ServiceContext) async throws -> CacheKey {
        let assignment = try await ExecutorCaller(request, context).assignment(in: scheduler)
        guard let run = try await queries.run(assignment.spec.run) else {
            throw APIError(.notExist, code: "runDoesNotExist", "There is no such run.")
        }
        return try CacheKey(try context.pathVariable("key"), of: run.definition)
    }

    private static func step(_ context: ServiceContext) throws -> Int {
        guard let step = Int(try context.pathVariable("step")), step >= 0 else {
            throw APIError(.badRequest, code: "invalidRunTaskStepNumber", "A step is named by its number, from 0.")
        }
        return step
    }

    private static func answer(_ object: any ObjectReader) -> Response {
        Response(status: .ok, headers: [.contentType: "application/x-tar"], body: ResponseBody(of: object))
    }
}
