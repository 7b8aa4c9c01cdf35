import Base
import Glibc
import HTTPTransport
import HTTPTypes
import Hummingbird
import NIOCore
import TestSupport
import Testing

/// Bodies of any size and speed through nginx.
@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct SiteBodyTests {
    private static let big = 64 << 20

    private static func routes(_ add: (Router<TestContext>) -> Void = { _ in }) -> RouterResponder<TestContext> {
        let router = Router(context: TestContext.self)
        for path in ["api/check", "repos/check"] {
            router.post(RouterPath(path)) { request, _ in
                var pattern = PatternBytes()
                for try await part in request.body { part.withUnsafeReadableBytes { pattern.check($0) } }
                return "\(pattern.offset) \(pattern.isIntact)"
            }
        }
        for path in ["api/blob", "repos/blob"] {
            router.get(RouterPath(path)) { _, _ in
                Response(
                    status: .ok,
                    body: .init { writer in
                        var pattern = PatternBytes()
                        while pattern.offset < Self.big { try await writer.write(ByteBuffer(bytes: pattern.next())) }
                        try await writer.finish(nil)
                    }
                )
            }
        }
        add(router)
        return router.buildResponder()
    }

    @Test("64 MiB arrive whole in a request, of unknown and of known length", arguments: [nil, big])
    func bigRequest(length: Int?) async throws {
        let reply = try await TestSite.run(Self.routes()) {
            let body = HTTPBody.stream(length: length, PatternSequence(byteCount: Self.big))
            return try await $0.call(.post, path: "/repos/check", body: body)
        }
        #expect(reply.body == "\(Self.big) true")
    }

    @Test("64 MiB arrive whole in a response, buffered and unbuffered", arguments: ["/api/blob", "/repos/blob"])
    func bigResponse(path: String) async throws {
        try await TestSite.run(Self.routes()) { site in
            var pattern = PatternBytes()
            let reply = try await site.client.send(HTTPCall(.get, site.endpoint, path))
            for try await part in reply.body { part.withUnsafeBytes { pattern.check($0) } }
            #expect(pattern.isIntact && pattern.offset >= Self.big)
        }
    }

    @Test("bodies up to 1 MiB pass, larger ones are answered 413 with an error body")
    func limit() async throws {
        try await TestSite.run(Self.routes()) { site in
            for (size, status) in [(8 << 10, 200), (1 << 20, 200), (1 << 20 + 1, 413), (3 << 20, 413)] {
                var pattern = PatternBytes()
                var bytes: [UInt8] = []
                while bytes.count < size { bytes += pattern.next(min(131_071, size - bytes.count)) }
                let reply = try await site.call(.post, path: "/api/check", body: .bytes(bytes))
                #expect(reply.status == status, "\(size)")
                if status == 200 { #expect(reply.body == "\(size) true") }
                if status == 413 {
                    #expect(reply.headers[values: .contentType] == ["application/json"])
                    #expect(reply.body.hasPrefix(#"[{"code":"bodyTooLarge","#))
                }
            }
        }
    }

    @Test("a body of unknown length is answered 413 once it is above the limit")
    func chunkedLimit() async throws {
        try await TestSite.run(Self.routes()) { site in
            let browser = try Browser(port: site.nginx.port)
            try await browser.send("POST /api/check HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = "10000\r\n\(String(repeating: "x", count: 0x10000))\r\n"
            for _ in 0..<17 { try await browser.send(chunk) }
            let reply = try await browser.read(until: "}]")
            #expect(reply.hasPrefix("HTTP/1.1 413 "))
            #expect(reply.contains(#"[{"code":"bodyTooLarge","#))
        }
    }

    @Test("a handler that does not read stops the sender, who goes on where he stopped")
    func backPressure() async throws {
        let (entered, mayRead) = (Gate(), Gate())
        let sent = Counter()
        let routes = Self.routes {
            $0.post("repos/late") { request, _ in
                entered.open()
                await mayRead.wait()
                var pattern = PatternBytes()
                for try await part in request.body { part.withUnsafeReadableBytes { pattern.check($0) } }
                return "\(pattern.offset) \(pattern.isIntact)"
            }
        }
        try await TestSite.run(routes) { site in
            let body = PatternSequence(byteCount: Self.big) { sent.add($0) }
            async let reply = site.call(.post, path: "/repos/late", body: .stream(length: nil, body))
            await entered.wait()
            try await sent.settle()
            #expect(sent.value < Self.big / 2)
            mayRead.open()
            #expect(try await reply.body == "\(Self.big) true")
        }
    }

    @Test(
        "a gateway that is away is told in an error body",
        arguments: ["/api/x", "/api/x/logs", "/repos/x", "/webhooks"]
    )
    func gatewayAway(path: String) async throws {
        try await TestSite.run(Self.routes()) { site in
            for name in ["api", "stream"] { unlink(TestFastCGI.path(name)) }
            let reply = try await site.call(path: path)
            #expect(reply.status == 503)
            #expect(reply.headers[values: .contentType] == ["application/json"])
            #expect(reply.body.hasPrefix(#"[{"code":"unavailable","#))
        }
    }
}
