import Base
import FastCGI
import Glibc
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization
import TestSupport
import Testing

/// One server and clients that speak FastCGI themselves.
@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct FastCGIServerTests {
    private static func routes(_ add: (Router<TestContext>) -> Void = { _ in }) -> RouterResponder<TestContext> {
        let router = Router(context: TestContext.self)
        router.get("hello") { _, _ in "hello" }
        router.post("echo") { request, _ in Response(status: .ok, body: .init(asyncSequence: request.body)) }
        router.post("unread") { _, _ in "unread" }
        add(router)
        return router.buildResponder()
    }

    @Test("a request is answered by the router")
    func answers() async throws {
        let reply = try await TestFastCGI.serve(Self.routes()) { _ in
            try await TestFastCGI.call(.request("GET", "/hello"))
        }
        #expect(reply.status == 200)
        #expect(reply.body == "hello")
        #expect(reply.isEnded)
    }

    @Test("a connection is kept for the next request when the web server asks for it, else closed")
    func keepsConnections() async throws {
        try await TestFastCGI.serve(Self.routes()) { _ in
            let client = try RawClient(path: TestFastCGI.path())
            for _ in 0..<3 {
                try await client.send(.request("GET", "/hello", keep: true))
                #expect(try await client.reply().body == "hello")
            }
            try await client.send(.request("GET", "/hello", keep: false))
            #expect(try await client.reply().body == "hello")
            #expect(try await client.reply().isClosed)
        }
    }

    @Test("a body of several megabytes arrives whole")
    func bigBody() async throws {
        let body = [UInt8](repeating: 120, count: 5 << 20)
        try await TestFastCGI.serve(Self.routes(), change: { $0.bodyLimit = nil }) { _ in
            let client = try RawClient(path: TestFastCGI.path())
            async let sending: Void = client.send(.request("POST", "/echo", body: body))
            let reply = try await client.reply()
            try await sending
            #expect(reply.status == 200)
            #expect(reply.body.utf8.count == body.count)
        }
    }

    @Test("a body that the handler leaves unread does not disturb the next request", arguments: [10, 100_000, 3 << 20])
    func unreadBody(size: Int) async throws {
        try await TestFastCGI.serve(Self.routes(), change: { $0.bodyLimit = nil }) { _ in
            let client = try RawClient(path: TestFastCGI.path())
            let body = [UInt8](repeating: 1, count: size)
            for _ in 0..<2 {
                async let sending: Void = client.send(.request("POST", "/unread", body: body, keep: true))
                #expect(try await client.reply().body == "unread")
                try await sending
            }
        }
    }

    @Test("a declared length above the limit is answered 413 before the handler runs")
    func declaredLimit() async throws {
        let request = RecordEncoder.request("POST", "/echo", fields: [("CONTENT_LENGTH", "1001")])
        let reply = try await TestFastCGI.serve(Self.routes(), change: { $0.bodyLimit = 1000 }) { _ in
            try await TestFastCGI.call(request)
        }
        #expect(reply.status == 413)
        #expect(
            reply.body == #"[{"code":"bodyTooLarge","message":"The body is larger than 1000 bytes.","details":{}}]"#
        )
    }

    @Test("an undeclared body above the limit is answered 413", arguments: [2_000, 400_000])
    func undeclaredLimit(size: Int) async throws {
        let routes = Self.routes {
            $0.post("collect") { request, _ in
                "\(try await request.body.collect(upTo: 1 << 30).readableBytes)"
            }
        }
        try await TestFastCGI.serve(routes, change: { $0.bodyLimit = 1000 }) { _ in
            let client = try RawClient(path: TestFastCGI.path())
            async let sending: Void = client.send(
                .request("POST", "/collect", body: [UInt8](repeating: 1, count: size))
            )
            #expect(try await client.reply().status == 413)
            try await sending
        }
    }

    @Test("a head that never ends is given up after the time allowed")
    func slowHead() async throws {
        try await TestFastCGI.serve(Self.routes(), change: { $0.patience = .milliseconds(50) }) { _ in
            for bytes in [[], [UInt8](RecordEncoder.request("GET", "/hello").bytes.dropLast(20))] {
                let client = try RawClient(path: TestFastCGI.path())
                try await client.send(bytes)
                #expect(try await client.reply() == RawClient.Reply(isClosed: true))
            }
        }
    }

    @Test("a client that closed its sending side still gets its answer")
    func halfClosed() async throws {
        try await TestFastCGI.serve(Self.routes()) { _ in
            let client = try RawClient(path: TestFastCGI.path())
            try await client.send(.request("GET", "/hello"))
            client.shutDown(SHUT_WR)
            #expect(try await client.reply().body == "hello")
        }
    }

    @Test("a handler is cancelled when its client vanishes while it waits")
    func cancelsWaitingHandler() async throws {
        let (entered, cancelled) = (Gate(), Gate())
        let routes = Self.routes {
            $0.get("wait") { _, _ -> Response in
                entered.open()
                defer { cancelled.open() }
                try await Task.sleep(for: .seconds(600))
                return Response(status: .ok)
            }
        }
        try await TestFastCGI.serve(routes) { _ in
            let client = try RawClient(path: TestFastCGI.path())
            try await client.send(.request("GET", "/wait"))
            await entered.wait()
            client.shutDown()
            await cancelled.wait()
            #expect(try await TestFastCGI.call(.request("GET", "/hello")).body == "hello")
        }
    }

    @Test("a handler that writes to a client that does not read waits, and ends when the client vanishes")
    func stalledReader() async throws {
        let ended = Gate()
        let written = Counter()
        let routes = Self.routes {
            $0.get("flood") { _, _ in
                Response(
                    status: .ok,
                    body: .init { writer in
                        defer { ended.open() }
                        while true {
                            try await writer.write(ByteBuffer(repeating: 120, count: 10_000))
                            written.add(10_000)
                        }
                    }
                )
            }
        }
        try await TestFastCGI.serve(routes) { _ in
            let client = try RawClient(path: TestFastCGI.path())
            try await client.send(.request("GET", "/flood"))
            try await written.settle()
            #expect(written.value < 1 << 20)
            #expect(try await TestFastCGI.call(.request("GET", "/hello")).body == "hello")
            client.shutDown()
            await ended.wait()
        }
    }

    @Test("a response body that fails breaks the connection off instead of ending it in order")
    func brokenBody() async throws {
        let routes = Self.routes {
            $0.get("broken") { _, _ in
                Response(
                    status: .ok,
                    body: .init { writer in
                        try await writer.write(ByteBuffer(string: "part"))
                        throw Failure("no more")
                    }
                )
            }
        }
        let reply = try await TestFastCGI.serve(routes) { _ in
            try await TestFastCGI.call(.request("GET", "/broken", keep: true))
        }
        #expect(reply.body == "part")
        #expect(reply.isBrokenOff && !reply.isEnded && reply.isClosed)
    }

    @Test("a body that is read after the response fails, and harms nobody")
    func lateRead() async throws {
        let late = Mutex<RequestBody?>(nil)
        let routes = Self.routes {
            $0.post("leak") { request, _ in
                late.withLock { $0 = request.body }
                return "leaked"
            }
        }
        try await TestFastCGI.serve(routes) { _ in
            let client = try RawClient(path: TestFastCGI.path())
            async let sending: Void = client.send(
                .request("POST", "/leak", body: [UInt8](repeating: 1, count: 500_000))
            )
            #expect(try await client.reply().body == "leaked")
            try await sending
            let body = try #require(late.withLock { $0 })
            await #expect(throws: (any Error).self) { for try await _ in body {} }
        }
    }
}
