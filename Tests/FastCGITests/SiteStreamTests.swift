import Base
import FastCGI
import Glibc
import HTTPTransport
import HTTPTypes
import Hummingbird
import NIOCore
import TestSupport
import Testing

/// Logs and events through nginx.
@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct SiteStreamTests {
    private static func routes(_ add: (Router<TestContext>) -> Void) -> RouterResponder<TestContext> {
        let router = Router(context: TestContext.self)
        router.get("api/hello") { _, _ in "hello" }
        router.get("api/hello/logs") { _, _ in "hello" }
        add(router)
        return router.buildResponder()
    }

    private static func stream(
        _ body: @escaping @concurrent @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) -> Response {
        Response(status: .ok, headers: [.contentType: "text/plain;charset=UTF-8"], body: .init(body))
    }

    @Test("the head arrives before the first byte, and each byte before the next one", arguments: ["logs", "events"])
    func immediate(name: String) async throws {
        let gates = [Gate(), Gate(), Gate()]
        let routes = Self.routes {
            $0.get("api/task/\(name)") { _, _ in
                Self.stream { writer in
                    for (index, gate) in gates.enumerated() {
                        await gate.wait()
                        try await writer.write(ByteBuffer(string: "\(index)"))
                    }
                    try await writer.finish(nil)
                }
            }
        }
        try await TestSite.run(routes) { site in
            let reply = try await site.client.send(HTTPCall(.get, site.endpoint, "/api/task/\(name)"))
            #expect(reply.status == 200)
            let iterator = reply.body.makeAsyncIterator()
            for (index, gate) in gates.enumerated() {
                gate.open()
                let part = try #require(try await iterator.next())
                #expect(String(decoding: part, as: UTF8.self) == "\(index)")
            }
            #expect(try await iterator.next() == nil)
        }
    }

    @Test("a browser that leaves cancels the handler, though that writes nothing", arguments: ["logs", "events"])
    func leavingBrowser(name: String) async throws {
        let cancelled = Gate()
        let routes = Self.routes {
            $0.get("api/task/\(name)") { _, _ in
                Self.stream { _ in
                    defer { cancelled.open() }
                    try await Task.sleep(for: .seconds(600))
                }
            }
        }
        try await TestSite.run(routes) { site in
            let browser = try Browser(port: site.nginx.port, path: "/api/task/\(name)")
            _ = try await browser.read(until: "\r\n\r\n")
            browser.close()
            await cancelled.wait()
        }
    }

    @Test(
        "a stream that fails is broken off, not ended in order",
        arguments: ["api/task/logs", "api/task/events", "repos/x"]
    )
    func brokenStream(path: String) async throws {
        let routes = Self.routes {
            $0.get(RouterPath(path)) { _, _ in
                Self.stream { writer in
                    try await writer.write(ByteBuffer(string: "part"))
                    throw Failure("no more")
                }
            }
        }
        try await TestSite.run(routes) { site in
            _ = await #expect(throws: HTTPTransportError.self) {
                _ = try await site.client.send(HTTPCall(.get, site.endpoint, "/\(path)")).collect()
            }
        }
    }

    @Test("1,000 followers, 100 of which do not read, delay nobody")
    func manyFollowers() async throws {
        raiseDescriptorLimit()
        let started = Counter()
        let routes = Self.routes {
            $0.get("api/task/logs") { _, _ in
                started.add()
                return Self.stream { writer in
                    // A page of log at a time, as fast as the reader takes it, then a line now and then.
                    for _ in 0..<64 { try await writer.write(ByteBuffer(repeating: 120, count: 16 << 10)) }
                    while true {
                        try await writer.write(ByteBuffer(string: "line\n"))
                        try await Task.sleep(for: .milliseconds(500))
                    }
                }
            }
        }
        try await TestSite.run(routes) { site in
            let stalled = try (0..<100).map { _ in try Browser(port: site.nginx.port, path: "/api/task/logs") }
            let readers = try (0..<900).map { _ in try Browser(port: site.nginx.port, path: "/api/task/logs") }
            let crowd = try Crowd(readers)
            defer { crowd.stop() }
            try await eventually("all followers are served", within: .seconds(60)) { started.value == 1000 }
            try await withThrowingTaskGroup(of: Int.self) { group in
                for index in 0..<200 {
                    let path = index % 2 == 0 ? "/api/hello" : "/api/hello/logs"
                    group.addTask {
                        let call = HTTPCall(.get, site.endpoint, path, deadline: .after(.seconds(10)))
                        return try await site.client.send(call).status
                    }
                }
                for try await status in group { #expect(status == 200) }
            }
            // Every reader gets beyond the megabyte that the stalled ones never take.
            try await eventually("all readers go on", within: .seconds(60)) { crowd.smallestCount > 1 << 20 }
            #expect(stalled.count == 100)
        }
    }
}

/// The files and sockets of a thousand followers in one process.
private func raiseDescriptorLimit() {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = min(limit.rlim_max, 16384)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
