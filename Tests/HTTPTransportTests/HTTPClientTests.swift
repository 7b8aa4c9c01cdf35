import Base
import HTTPTransport
import HTTPTypes
import Hummingbird
import TestSupport
import Testing

@Suite(.temporaryDirectory, .timeLimit(.minutes(1)))
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
}
