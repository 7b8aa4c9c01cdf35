import FastCGI
import Hummingbird
import TestSupport
import Testing

@Suite(.temporaryDirectory, .timeLimit(.minutes(1)))
struct FastCGIServerTests {
    private static var routes: RouterResponder<TestContext> {
        let router = Router(context: TestContext.self)
        router.get("hello") { _, _ in "hello" }
        router.post("echo") { request, _ in Response(status: .ok, body: .init(asyncSequence: request.body)) }
        return router.buildResponder()
    }

    @Test("a request is answered by the router")
    func answers() async throws {
        let reply = try await TestFastCGI.serve(Self.routes) { _ in
            try await TestFastCGI.call(.request("GET", "/hello"))
        }
        #expect(reply.status == 200)
        #expect(reply.body == "hello")
        #expect(reply.isEnded)
    }

    @Test("a connection is kept for the next request when the web server asks for it")
    func keepsConnections() async throws {
        try await TestFastCGI.serve(Self.routes) { _ in
            let client = try RawClient(path: TestFastCGI.path())
            for _ in 0..<3 {
                try await client.send(.request("GET", "/hello", keep: true))
                #expect(try await client.reply().body == "hello")
            }
        }
    }

    @Test("a body of several megabytes arrives whole")
    func bigBody() async throws {
        let body = [UInt8](repeating: 120, count: 5 << 20)
        try await TestFastCGI.serve(Self.routes, change: { $0.bodyLimit = nil }) { _ in
            let client = try RawClient(path: TestFastCGI.path())
            async let sending: Void = client.send(.request("POST", "/echo", body: body))
            let reply = try await client.reply()
            try await sending
            #expect(reply.status == 200)
            #expect(reply.body.utf8.count == body.count)
        }
    }
}
