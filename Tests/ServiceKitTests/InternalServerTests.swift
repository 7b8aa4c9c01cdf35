import Base
import FoundationEssentials
import Glibc
import HTTPTransport
import HTTPTypes
import Hummingbird
import Model
import ServiceKit
import TestSupport
import Testing
import WorkerClients

@Suite("An internal server", .temporaryDirectory, .timeLimit(.minutes(5)))
struct InternalServerTests {
    private struct Greeting: Codable, Equatable {
        var name: String
    }

    private func with(
        token: SecretValue? = nil,
        isReady: Bool = true,
        _ body: (String, HTTPClient) async throws -> Void
    ) async throws {
        let path = "\(TemporaryDirectory.path)/s.sock"
        let client = try HTTPClient()
        defer { client.shutdown() }
        try await TestService.with { onListening in
            InternalServer(
                name: "test",
                socketPath: path,
                token: token,
                isReady: { isReady },
                onListening: onListening
            ) { routes in
                routes.post("greet") { request, _ in
                    try Response.json(try await request.json(Greeting.self, limit: 100))
                }
                routes.get("fail") { _, _ -> Response in throw Failure("the disk at /secret is full") }
                routes.get("items/:name") { _, context in try Response.json(try context.pathVariable("name")) }
                routes.get("query") { request, _ in
                    try Response.json([request.query("a") ?? "-"] + request.queries("b"))
                }
            }
        } _: {
            try await body(path, client)
        }
    }

    private func connection(_ client: HTTPClient, _ path: String, _ token: SecretValue? = nil) -> ServiceConnection {
        ServiceConnection(client: client, endpoint: .unix(path), token: token)
    }

    @Test("listens on a socket of mode 0660, and is healthy and ready")
    func health() async throws {
        try await with { path, client in
            var facts = stat()
            #expect(stat(path, &facts) == 0)
            #expect(facts.st_mode & 0o777 == 0o660)
            let reply1 = try await connection(client, path).open(.get, "/healthz")
            #expect(reply1.status == 204)
            let reply2 = try await connection(client, path).open(.get, "/readyz")
            #expect(reply2.status == 204)
        }
        try await with(isReady: false) { path, client in
            let reply3 = try await connection(client, path).open(.get, "/readyz")
            #expect(reply3.status == 503)
        }
    }

    @Test("lets in only those who know the token; health is for everybody")
    func token() async throws {
        let token = SecretValue("the token")
        try await with(token: token) { path, client in
            for wrong in [nil, SecretValue("another"), SecretValue("the tokem")] {
                let reply4 = try await connection(client, path, wrong).open(.get, "/items/a")
                #expect(reply4.status == 401)
            }
            let name: String = try await connection(client, path, token).get("/items/a")
            #expect(name == "a")
            let reply5 = try await connection(client, path).open(.get, "/healthz")
            #expect(reply5.status == 204)
        }
    }

    @Test("answers errors with the JSON body and nothing of their cause")
    func errors() async throws {
        try await with { path, client in
            let reply = try await connection(client, path).open(.get, "/fail")
            #expect(reply.status == 500)
            #expect(reply.headers[.contentType] == "application/json")
            let body = String(decoding: try await reply.collect(), as: UTF8.self)
            #expect(!body.contains("secret"))
            let unknown = try await connection(client, path).open(.get, "/nowhere")
            #expect(unknown.status == 404)
            let bytes = try await unknown.collect()
            #expect(ErrorBody.remoteError(status: 404, body: bytes).code == "routeDoesNotExist")
        }
    }

    @Test("refuses bodies that are too long, empty or of another shape")
    func bodies() async throws {
        try await with { path, client in
            let connection = connection(client, path)
            let greeting: Greeting = try await connection.send(.post, "/greet", Greeting(name: "x"))
            #expect(greeting == Greeting(name: "x"))
            for body in ["", "{", "[]", "{\"name\":1}", "{\"name\":\"\(String(repeating: "x", count: 200))\"}"] {
                let reply = try await connection.open(.post, "/greet", body: .bytes(Array(body.utf8)))
                #expect(reply.status == 400, "\(body.prefix(20))")
            }
        }
    }

    @Test("decodes path variables and queries exactly once")
    func decoding() async throws {
        try await with { path, client in
            let connection = connection(client, path)
            let once: String = try await connection.get("/items/user%2Fadmin%252F")
            #expect(once == "user/admin%2F")
            let broken = try await connection.open(.get, "/items/%zz")
            #expect(broken.status == 400)
            let values: [String] = try await connection.get("/query?b=1&a=x+y%2B&b=2&follow")
            #expect(values == ["x y+", "1", "2"])
            let empty: [String] = try await connection.get("/query?a")
            #expect(empty == [""])
        }
    }

    @Test("replaces an abandoned socket, and refuses one on which somebody listens")
    func sockets() async throws {
        try await with { path, _ in
            await #expect(throws: Failure.self) { try await SocketFile.prepare(path) }
        }
        let path = "\(TemporaryDirectory.path)/s.sock"
        try Data().write(to: URL(filePath: path))
        try await with { path, client in
            let reply6 = try await connection(client, path).open(.get, "/healthz")
            #expect(reply6.status == 204)
        }
        await #expect(throws: Failure.self) {
            try await SocketFile.prepare("/tmp/\(String(repeating: "x", count: 110))")
        }
    }
}
