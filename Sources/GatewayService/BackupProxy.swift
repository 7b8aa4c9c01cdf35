import Base
import HTTPTransport
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import ServiceKit
import WorkerClients

/// What a backup needs beside exports, passed on to the services that hold it.
///
/// Making a backup is for administrators who prove themselves by a token: a browser's session must not open the key of all secrets.
/// Restoring is for the installation's admin token alone: the users themselves are restored.
struct BackupProxy: Sendable {
    private static let codes: Set = [
        "notEmpty", "otherRestore", "noRestore", "notInMaintenance", "invalidBackup", "invalidKey", "invalidOutbox",
        "invalidBundle",
        "invalidObject", "invalidRepositoryPath", "invalidRef", "brokenBody", "bodyTooLarge",
        "objectStorageUnavailable", "restoreUnfinished",
    ]
    private static let parameters = ["after", "limit", "head"]
    private static let prefix = "/api/v1alpha/backup/"

    /// The services by name.
    let workers: [String: ServiceConnection]

    func add(required: GatewayRoutes) {
        for method in [HTTPRequest.Method.get, .put, .delete] {
            required.on("backup/:service/**", method: method) { request, context in try await pass(request, context) }
        }
    }

    private func pass(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Access.requireAdmin(context.caller)
        guard context.caller.usedToken else {
            throw APIError(.forbidden, "This needs a token; a session is not enough.")
        }
        let name = try context.pathVariable("service")
        guard let worker = workers[name] else {
            throw APIError(.badRequest, code: "unknownService", "No service “\(name)” has anything to back up.")
        }
        let rest = request.uri.path.dropFirst(Self.prefix.count + name.utf8.count + 1)
        guard request.method == .get || context.caller.user == nil else {
            let message =
                "A restore needs the installation's admin token (gateway.adminToken): users are a part of what is restored."
            throw APIError(.forbidden, code: "adminTokenRequired", message)
        }
        let reply = try await relay(Self.codes) {
            try await ServiceConnection.checked(
                try await worker.open(
                    request.method,
                    Self.prefix + rest,
                    query: Self.parameters.compactMap { key in request.query(key).map { (key, $0) } },
                    body: Self.body(of: request)
                )
            )
        }
        let length = reply.headers[.contentLength].flatMap { Int($0) }
        var headers: HTTPFields = [.cacheControl: "no-store"]
        headers[.contentType] = reply.headers[.contentType]
        return Response(
            status: .init(code: reply.status),
            headers: headers,
            body: reply.status == 204 ? ResponseBody() : .relaying(reply.body, length: length)
        )
    }

    private static func body(of request: Request) -> HTTPBody {
        guard request.method == .put else { return .none }
        let length = request.headers[.contentLength].flatMap { Int($0) }
        return .stream(length: length, request.body.map { Array(buffer: $0) })
    }
}
