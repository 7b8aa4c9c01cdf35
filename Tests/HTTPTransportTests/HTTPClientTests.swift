import Base
import Glibc
import HTTPTransport
import HTTPTypes
import Hummingbird
import Synchronization
import TestSupport
import Testing

@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct HTTPClientTests {
    @Test("a request reaches a server and its answer comes back", arguments: [TestServer.Place.unixSocket, .loopback])
    func exchangesMessages(place: TestServer.Place) async throws {
        let router = Router()
        router.post("/echo/{name}") { request, context in
            let body = try await request.body.collect(upTo: .max)
            let seen = "\(request.uri.path)?\(request.uri.query ?? "") \(request.headers[.userAgent] ?? "")"
            return Response(
                status: .created,
                headers: [.contentType: "text/plain", .init("X-Seen")!: seen],
                body: .init(byteBuffer: body)
            )
        }
        let client = try HTTPClient()
        try await TestServer.with(router, at: place) { endpoint in
            let reply = try await client.send(
                HTTPCall(.post, endpoint, "/echo/a%20b?q=1", body: .bytes(Array("hello".utf8)))
            )
            #expect(reply.status == 201)
            #expect(reply.headers[.contentType] == "text/plain")
            #expect(reply.headers[.init("X-Seen")!] == "/echo/a%20b?q=1 martlet/0.1")
            #expect(try await reply.collect() == Array("hello".utf8))
        }
    }

    @Test("a streamed body is sent whole, chunked or with its length", arguments: [nil, 3_000_000])
    func streamsUp(length: Int?) async throws {
        let router = Router()
        router.put("/count") { request, _ in
            var count = 0
            for try await chunk in request.body { count += chunk.readableBytes }
            return "\(count) \(request.headers[.contentLength] ?? "-") \(request.headers[.transferEncoding] ?? "-")"
        }
        let client = try HTTPClient()
        try await TestServer.with(router) { endpoint in
            let stream = Produced(pieces: 30, of: 100_000)
            let reply = try await client.send(HTTPCall(.put, endpoint, "/count", body: .stream(length: length, stream)))
            let text = String(decoding: try await reply.collect(), as: UTF8.self)
            #expect(text == (length == nil ? "3000000 - chunked" : "3000000 3000000 -"))
        }
    }

    @Test(
        "a request carries what its method needs and nothing of libcurl's own",
        arguments: [
            (HTTPRequest.Method.get, nil), (.head, nil), (.delete, nil), (.options, nil), (.post, "0"), (.put, "0"),
            (.patch, "0"), (.init("PURGE")!, nil),
        ]
    )
    func sendsPlainRequests(method: HTTPRequest.Method, length: String?) async throws {
        let head = try await sentHead(method, "/a/../b%2F?x=%20", headers: [:])
        var expected = ["\(method.rawValue) /a/../b%2F?x=%20 HTTP/1.1", "Host: localhost", "User-Agent: martlet/0.1"]
        if let length { expected.append("Content-Length: \(length)") }
        #expect(head == expected)
    }

    @Test("header fields are sent as given, except those that frame the message")
    func sendsHeaders() async throws {
        var headers: HTTPFields = [
            .contentLength: "7", .transferEncoding: "chunked", .connection: "close", .expect: "100-continue",
            .accept: "text/plain", .contentType: "a/b", .userAgent: "me", .init("X-Empty")!: "",
            .init("X-Injected")!: "a\r\nEvil: b",
        ]
        headers.append(.init(name: .init("X-Twice")!, value: "1"))
        headers.append(.init(name: .init("X-Twice")!, value: "2"))
        let head = try await sentHead(
            .post,
            "/",
            headers: headers,
            body: .bytes([UInt8](repeating: 1, count: 2_000_000))
        )
        #expect(
            Set(head.dropFirst()) == [
                "Host: localhost", "Accept: text/plain", "Content-Type: a/b", "User-Agent: me", "X-Empty:",
                "X-Injected: a  Evil: b", "X-Twice: 1", "X-Twice: 2", "Content-Length: 2000000",
            ]
        )
        #expect(head.count == 10)
    }

    @Test("the proxy of the environment is not used")
    func ignoresProxy() async throws {
        await #expect(processExitsWith: .success) {
            setenv("http_proxy", "http://127.0.0.1:1", 1)
            try await TemporaryDirectory.with { _ in
                let router = Router()
                router.get("/") { _, _ in "direct" }
                try await TestServer.with(router, at: .loopback) { endpoint in
                    let reply = try await HTTPClient().send(HTTPCall(.get, endpoint, "/"))
                    let body = try await reply.collect()
                    #expect(body == Array("direct".utf8))
                }
            }
        }
    }

    @Test(
        "a path that could break the request line is refused before anything is sent",
        arguments: ["", "a", "?a", "/a b", "/a\r\nX: y", "/ä", "/a#b", "/a\0", "http://other/"]
    )
    func refusesPaths(path: String) async throws {
        let client = try HTTPClient()
        let error = await #expect(throws: HTTPTransportError.self) {
            try await client.send(HTTPCall(.get, .unix("/nonexistent"), path))
        }
        #expect(error?.kind == .badURL)
    }

    /// The lines of the head that a server sees.
    private func sentHead(
        _ method: HTTPRequest.Method,
        _ path: String,
        headers: HTTPFields,
        body: HTTPBody = .none
    ) async throws -> [String] {
        let client = try HTTPClient()
        let seen = Mutex("")
        let script: @Sendable (RawServer.Connection) -> Void = { connection in
            guard let head = connection.readHead() else { return }
            seen.withLock { $0 = head }
            connection.write("HTTP/1.1 204 Done\r\n\r\n")
            connection.drain()
        }
        try await RawServer.with(script) { server in
            let reply = try await client.send(HTTPCall(method, server.endpoint, path, headers: headers, body: body))
            #expect(reply.status == 204)
            #expect(try await reply.collect() == [])
            client.shutdown()
        }
        return seen.withLock { $0 }.split(separator: "\r\n").map(String.init)
    }
}
