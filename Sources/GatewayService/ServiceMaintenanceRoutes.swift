import Base
import HTTPTransport
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import ServiceKit
import WorkerClients

/// Maintenance, export and import of the services that keep stores; for administrators.
///
/// While the configstore is in maintenance nobody can be looked up: then only the installation's admin token opens these routes.
struct ServiceMaintenanceRoutes: Sendable {
    /// The services by name.
    let workers: [String: MaintenanceClient]
    let identity: Identity

    func add(required: GatewayRoutes) {
        required.get("maintenance/:service") { _, context in
            let worker = try worker(context)
            return try Response.json(try await relay { try await worker.status() })
        }
        required.put("maintenance/:service") { _, context in
            let worker = try worker(context)
            try await relay(["maintenanceAlreadyEnabled"]) { try await worker.enable() }
            return Self.done
        }
        required.delete("maintenance/:service") { _, context in
            let worker = try worker(context)
            try await relay(["maintenanceAlreadyDisabled", "restoreUnfinished"]) { try await worker.disable() }
            return Self.done
        }
        required.get("export/:service") { _, context in try await export(try worker(context)) }
        required.post("import/:service") { request, context in
            try await importStream(request, into: try worker(context))
        }
    }

    private static let done = Response(status: .ok, headers: [.contentType: "application/json"])

    private func worker(_ context: GatewayContext) throws -> MaintenanceClient {
        try Access.requireAdmin(context.caller)
        let name = try context.pathVariable("service")
        guard let worker = workers[name] else {
            let names = workers.keys.sorted().joined(separator: " and ")
            throw APIError(
                .badRequest,
                code: "unknownService",
                "There is no maintenance of “\(name)”; the services that have it are \(names)."
            )
        }
        return worker
    }

    private func export(_ worker: MaintenanceClient) async throws -> Response {
        let reply = try await relay { try await worker.export() }
        return Response(
            status: .ok,
            headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: .relaying(reply.body, length: reply.headers[.contentLength].flatMap { Int($0) })
        )
    }

    private func importStream(_ request: Request, into worker: MaintenanceClient) async throws -> Response {
        var options = ImportOptions()
        options.isDryRun = try request.flag("dryRun")
        options.isForced = try request.flag("force")
        options.skipsUnknownTypes = try request.flag("skipUnknown")
        let length = request.headers[.contentLength].flatMap { Int($0) }
        let body = HTTPBody.stream(length: length, request.body.map { Array(buffer: $0) })
        let codes: Set = ["notInMaintenance", "instancesNotReady", "invalidImport", "brokenBody", "importUnderWay"]
        let report = try await relay(codes) {
            try await worker.importStream(body, options)
        }
        // Other users and tokens may be valid now.
        if !options.isDryRun { identity.forgetAll() }
        return try Response.json(report)
    }
}
