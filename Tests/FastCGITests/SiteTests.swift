import FastCGI
import HTTPTransport
import HTTPTypes
import Hummingbird
import NIOCore
import TestSupport
import Testing

/// What comes and goes through nginx, FastCGI and a router.
@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct SiteTests {
    private static let methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]

    private static var routes: RouterResponder<TestContext> {
        let router = Router(context: TestContext.self)
        for method in methods.compactMap({ HTTPRequest.Method($0) }) {
            router.on("api/method", method: method) { request, _ in
                Response(status: .ok, headers: [.eTag: request.method.rawValue])
            }
        }
        router.get("api/projects/{ref}/runs") { request, context in
            "\(context.parameters.get("ref") ?? "-") \(request.uri.query ?? "-")"
        }
        router.get("api/facts") { request, context in
            let fields = request.headers.sorted { $0.name.rawName < $1.name.rawName }
            return "\(context.remoteAddress ?? "-") \(context.scheme) \(request.head.authority ?? "-")\n"
                + fields.map { "\($0.name.canonicalName): \($0.value)\n" }.joined()
        }
        router.get("api/cookies") { _, _ in
            var response = Response(status: .ok)
            for value in ["a=1; HttpOnly", "b=2; HttpOnly"] {
                response.headers.append(HTTPField(name: .setCookie, value: value))
            }
            return response
        }
        router.get("api/status/{code}") { _, context in
            Response(status: .init(code: try context.parameters.require("code", as: Int.self)))
        }
        router.get("api/broken") { _, _ -> Response in throw CancellationError() }
        return router.buildResponder()
    }

    @Test("every method reaches the router", arguments: methods)
    func everyMethod(name: String) async throws {
        let method = try #require(HTTPRequest.Method(name))
        let reply = try await TestSite.run(Self.routes) { try await $0.call(method, path: "/api/method") }
        #expect(reply.status == 200)
        #expect(reply.headers[.eTag] == name)
    }

    @Test("an encoded slash stays inside its path segment, and dots and doubled slashes are not resolved")
    func rawPath() async throws {
        try await TestSite.run(Self.routes) { site in
            let reply = try await site.call(path: "/api/projects/org%2Facme%2Fweb%20site/runs?cursor=a%2Fb&limit=3")
            #expect(reply.body == "org%2Facme%2Fweb%20site cursor=a%2Fb&limit=3")
        }
    }

    @Test("the router sees the client's address, scheme, host and fields, and no field about the connection")
    func requestFields() async throws {
        try await TestSite.run(Self.routes) { site in
            let reply = try await site.call(
                path: "/api/facts",
                headers: [.accept: "text/x-one", .authorization: "token t", .cookie: "a=1; b=2", .te: "trailers"]
            )
            let lines = reply.body.split(separator: "\n")
            #expect(lines.first == "127.0.0.1 http 127.0.0.1:\(site.nginx.port)")
            #expect(lines.contains("accept: text/x-one"))
            #expect(lines.contains("authorization: token t"))
            #expect(lines.contains("cookie: a=1; b=2"))
            #expect(
                !lines.contains {
                    $0.hasPrefix("te:") || $0.hasPrefix("connection:") || $0.hasPrefix("content-length:")
                }
            )
        }
    }

    @Test("several cookies stay several fields")
    func cookies() async throws {
        let reply = try await TestSite.run(Self.routes) { try await $0.call(path: "/api/cookies") }
        #expect(reply.headers[values: .setCookie] == ["a=1; HttpOnly", "b=2; HttpOnly"])
    }

    @Test("statuses pass through, also those without a body", arguments: [200, 201, 204, 304, 400, 401, 404, 500])
    func statuses(code: Int) async throws {
        let reply = try await TestSite.run(Self.routes) { try await $0.call(path: "/api/status/\(code)") }
        #expect(reply.status == code)
        #expect(reply.body.isEmpty)
    }

    @Test("a handler that throws answers 500 with an error body that tells nothing")
    func thrownError() async throws {
        let reply = try await TestSite.run(Self.routes) { try await $0.call(path: "/api/broken") }
        #expect(reply.status == 500)
        #expect(reply.headers[.contentType] == "application/json")
        #expect(reply.body == #"[{"code":"internal","message":"Something went wrong.","details":{}}]"#)
    }

    @Test("the same router answers the same through Hummingbird's own server")
    func otherTransport() async throws {
        let app = Application(
            responder: Self.routes,
            configuration: .init(address: .unixDomainSocket(path: "\(TemporaryDirectory.path)/http.sock"))
        )
        try await TestFastCGI.running(app, socket: "\(TemporaryDirectory.path)/http.sock") { _ in
            let client = try HTTPClient()
            defer { client.shutdown() }
            let reply = try await client.send(
                HTTPCall(.get, .unix("\(TemporaryDirectory.path)/http.sock"), "/api/projects/a%2Fb/runs?x=1")
            )
            #expect(String(decoding: try await reply.collect(), as: UTF8.self) == "a%2Fb x=1")
        }
    }
}
