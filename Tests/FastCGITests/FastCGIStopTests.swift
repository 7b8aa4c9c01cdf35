import Base
import FastCGI
import FoundationEssentials
import Glibc
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import TestSupport
import Testing

/// The life of a server and of its socket.
@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct FastCGIStopTests {
    private static func routes(_ add: (Router<TestContext>) -> Void = { _ in }) -> RouterResponder<TestContext> {
        let router = Router(context: TestContext.self)
        router.get("hello") { _, _ in "hello" }
        add(router)
        return router.buildResponder()
    }

    @Test("a graceful stop lets running requests end, refuses new ones and ends idle connections")
    func drains() async throws {
        let (entered, mayEnd) = (Gate(), Gate())
        let routes = Self.routes {
            $0.get("slow") { _, _ in
                entered.open()
                await mayEnd.wait()
                return "done"
            }
        }
        try await TestFastCGI.serve(routes) { stop in
            let idle = try RawClient(path: TestFastCGI.path())
            try await idle.send(.request("GET", "/hello", keep: true))
            #expect(try await idle.reply().body == "hello")
            let running = try RawClient(path: TestFastCGI.path())
            try await running.send(.request("GET", "/slow", keep: true))
            await entered.wait()
            await stop()
            #expect(try await idle.reply().isClosed)
            #expect(throws: SystemError.self) { try RawClient(path: TestFastCGI.path()) }
            mayEnd.open()
            #expect(try await running.reply().body == "done")
            #expect(try await running.reply().isClosed)
        }
    }

    @Test("streams are cancelled and broken off at the end of the drain time")
    func endsStreams() async throws {
        let cancelled = Gate()
        let routes = Self.routes {
            $0.get("stream") { _, _ in
                Response(
                    status: .ok,
                    body: .init { writer in
                        defer { cancelled.open() }
                        try await writer.write(ByteBuffer(string: "line\n"))
                        try await Task.sleep(for: .seconds(600))
                    }
                )
            }
        }
        try await TestFastCGI.serve(routes, change: { $0.drainTime = .milliseconds(50) }) { stop in
            let client = try RawClient(path: TestFastCGI.path())
            try await client.send(.request("GET", "/stream"))
            #expect(try await client.reply { $0.body == "line\n" }.body == "line\n")
            await stop()
            let end = try await client.reply()
            #expect(end.isBrokenOff && !end.isEnded && end.isClosed)
            await cancelled.wait()
        }
    }

    @Test("cancelling the server ends everything at once")
    func cancellation() async throws {
        let entered = Gate()
        let routes = Self.routes {
            $0.get("wait") { _, _ -> String in
                entered.open()
                try await Task.sleep(for: .seconds(600))
                return ""
            }
        }
        let path = TestFastCGI.path()
        let configuration = FastCGIConfiguration(socketPath: path, threads: 1, name: "api", drainTime: .seconds(600))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await FastCGIServer(configuration: configuration, responder: routes).run() }
            try await eventually("server listens") { (try? RawClient(path: path)) != nil }
            let client = try RawClient(path: path)
            try await client.send(.request("GET", "/wait"))
            await entered.wait()
            group.cancelAll()
            try await group.waitForAll()
            #expect(try await client.reply().isClosed)
        }
    }

    @Test("a second server takes the path after the first one has stopped, and the socket file goes with the last")
    func secondServer() async throws {
        for _ in 0..<2 {
            let reply = try await TestFastCGI.serve(Self.routes()) { _ in
                try await TestFastCGI.call(.request("GET", "/hello"))
            }
            #expect(reply.body == "hello")
        }
        #expect(access(TestFastCGI.path(), F_OK) != 0)
    }

    @Test("the socket is open to its owner and group alone")
    func mode() async throws {
        try await TestFastCGI.serve(Self.routes()) { _ in
            var facts = stat()
            #expect(lstat(TestFastCGI.path(), &facts) == 0)
            #expect(facts.st_mode & 0o777 == 0o660)
        }
    }

    @Test("a socket that a killed process left is replaced")
    func abandoned() async throws {
        let descriptor = try Self.bind(TestFastCGI.path())
        close(descriptor)
        let reply = try await TestFastCGI.serve(Self.routes()) { _ in
            try await TestFastCGI.call(.request("GET", "/hello"))
        }
        #expect(reply.body == "hello")
    }

    @Test("a socket that another process serves is refused and stays")
    func live() async throws {
        let descriptor = try Self.bind(TestFastCGI.path())
        defer { close(descriptor) }
        #expect(listen(descriptor, 1) == 0)
        #expect(try await Self.refusal(of: TestFastCGI.path()).contains("another process serves the socket"))
        #expect(access(TestFastCGI.path(), F_OK) == 0)
    }

    @Test("a file that is no socket, a missing directory and a path that is too long are refused")
    func unusablePaths() async throws {
        try Data("text".utf8).write(to: URL(filePath: TestFastCGI.path()))
        #expect(try await Self.refusal(of: TestFastCGI.path()).contains("not a socket"))
        #expect(try await Self.refusal(of: "\(TemporaryDirectory.path)/none/api.sock").contains("No such file"))
        let long = "\(TemporaryDirectory.path)/\(String(repeating: "x", count: 120))"
        #expect(try await Self.refusal(of: long).contains("longer than 107 bytes"))
    }

    @Test("connections beyond the limit wait until others end")
    func connectionLimit() async throws {
        let (entered, mayEnd) = (Gate(), Gate())
        let routes = Self.routes {
            $0.get("slow") { _, _ in
                entered.open()
                await mayEnd.wait()
                return "done"
            }
        }
        try await TestFastCGI.serve(routes, change: { $0.connectionLimit = 1 }) { _ in
            let first = try RawClient(path: TestFastCGI.path())
            try await first.send(.request("GET", "/slow"))
            await entered.wait()
            let second = try RawClient(path: TestFastCGI.path())
            try await second.send(.request("GET", "/hello"))
            mayEnd.open()
            #expect(try await first.reply().body == "done")
            #expect(try await second.reply().body == "hello")
        }
    }

    private static func refusal(of path: String) async throws -> String {
        let configuration = FastCGIConfiguration(socketPath: path, threads: 1, name: "api")
        let error = await #expect(throws: Failure.self) {
            try await FastCGIServer(configuration: configuration, responder: routes()).run()
        }
        return try #require(error).description
    }

    private static func bind(_ path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else { throw SystemError("bind \(path)") }
        return descriptor
    }
}
