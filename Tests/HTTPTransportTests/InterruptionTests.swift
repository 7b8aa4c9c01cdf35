import Base
import HTTPTypes
import Synchronization
import TestSupport
import Testing

@testable import HTTPTransport

@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct InterruptionTests {
    /// Where the server leaves the client waiting.
    enum Stall: String, CaseIterable {
        case head, body
    }

    private static func stalling(at stall: Stall) -> @Sendable (RawServer.Connection) -> Void {
        { connection in
            guard connection.readHead() != nil else { return }
            if stall == .body { connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello") }
            connection.drain()
        }
    }

    @Test("a cancelled call ends at once, as a cancellation, and its connection is closed", arguments: Stall.allCases)
    func cancels(stall: Stall) async throws {
        let client = try HTTPClient()
        try await RawServer.with(Self.stalling(at: stall)) { server in
            let hasBegun = ThreadGate()
            let task = Task {
                let reply = try await client.send(HTTPCall(.get, server.endpoint, "/"))
                for try await bytes in reply.body {
                    #expect(bytes == Array("hello".utf8))
                    hasBegun.open()
                }
            }
            try await eventually("the call waits") { stall == .head ? server.openCount == 1 : hasBegun.isPassed }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            try await eventually("the connection is closed") { server.openCount == 0 }
            #expect(client.loop.transferCount == 0)
        }
    }

    @Test("a call in a task that is cancelled already sends nothing")
    func cancelsBeforeStart() async throws {
        let client = try HTTPClient()
        try await RawServer.with(Self.stalling(at: .head)) { server in
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                _ = try await client.send(HTTPCall(.get, server.endpoint, "/"))
            }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(server.acceptedCount == 0)
        }
    }

    @Test("a body that was cancelled stays cancelled, even when it had arrived whole")
    func staysCancelled() async throws {
        let client = try HTTPClient()
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        try await RawServer.with(RawServer.answering(answer, thenCloses: true)) { server in
            let reply = try await client.send(HTTPCall(.get, server.endpoint, "/"))
            try await eventually("all has arrived") { client.loop.transferCount == 0 }
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                return try await reply.collect()
            }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            await #expect(throws: CancellationError.self) { try await reply.collect() }
        }
    }

    @Test("dropping a reply before its end closes the connection")
    func dropsReply() async throws {
        let client = try HTTPClient()
        try await RawServer.with(Self.stalling(at: .body)) { server in
            var reply: HTTPReply? = try await client.send(HTTPCall(.get, server.endpoint, "/"))
            #expect(reply?.status == 200)
            #expect(server.openCount == 1)
            reply = nil
            try await eventually("the connection is closed") { server.openCount == 0 }
        }
    }

    @Test("a deadline ends a call, wherever it waits", arguments: Stall.allCases)
    func observesDeadline(stall: Stall) async throws {
        let client = try HTTPClient()
        try await RawServer.with(Self.stalling(at: stall)) { server in
            let start = ContinuousClock.now
            let call = HTTPCall(.get, server.endpoint, "/", deadline: .after(.milliseconds(200)))
            let error = await #expect(throws: HTTPTransportError.self) { try await client.send(call).collect() }
            #expect(error?.kind == .timedOut)
            #expect(start.duration(to: .now) >= .milliseconds(200))
            try await eventually("the connection is closed") { server.openCount == 0 }
        }
    }

    @Test("a deadline counts while a request waits for a connection")
    func observesDeadlineInLine() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.maximumConnectionsPerHost = 1
        let client = try HTTPClient(configuration)
        try await RawServer.with(Self.stalling(at: .body)) { server in
            let first = try await client.send(HTTPCall(.get, server.endpoint, "/"))
            let call = HTTPCall(.get, server.endpoint, "/", deadline: .after(.milliseconds(50)))
            let error = await #expect(throws: HTTPTransportError.self) { try await client.send(call) }
            #expect(error?.kind == .timedOut)
            #expect(server.acceptedCount == 1)
            #expect(first.status == 200)
            client.shutdown()
        }
    }

    @Test("a deadline that has passed already sends nothing")
    func observesPastDeadline() async throws {
        let client = try HTTPClient()
        try await RawServer.with(Self.stalling(at: .head)) { server in
            let call = HTTPCall(.get, server.endpoint, "/", deadline: .after(.zero))
            let error = await #expect(throws: HTTPTransportError.self) { try await client.send(call) }
            #expect(error?.kind == .timedOut)
            #expect(server.acceptedCount == 0)
        }
    }

    @Test("a silent server is given up, wherever it falls silent", arguments: Stall.allCases)
    func observesSilence(stall: Stall) async throws {
        let client = try HTTPClient()
        try await RawServer.with(Self.stalling(at: stall)) { server in
            var call = HTTPCall(.get, server.endpoint, "/")
            call.idleTimeout = .milliseconds(100)
            let error = await #expect(throws: HTTPTransportError.self) { try await client.send(call).collect() }
            #expect(error?.kind == .timedOut)
        }
    }

    @Test("a slow server is waited for as long as it says something, and a slow reader is no silence")
    func waitsForSlowServers() async throws {
        let client = try HTTPClient()
        let size = 4 << 20
        let sent = Counter()
        let script: @Sendable (RawServer.Connection) -> Void = { connection in
            guard connection.readHead() != nil else { return }
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(size + 30)\r\n\r\n")
            for _ in 0..<30 {
                connection.write("a")
                connection.pause(milliseconds: 20)
            }
            connection.write([UInt8](repeating: 98, count: size)) { sent.increment(by: $0) }
        }
        try await RawServer.with(script) { server in
            var call = HTTPCall(.get, server.endpoint, "/")
            call.idleTimeout = .milliseconds(300)
            let reply = try await client.send(call)
            try await eventually("the slow part is over") { sent.value > 0 }
            try await sent.standstill()
            try await Task.sleep(for: .milliseconds(400))
            #expect(try await reply.collect().count == size + 30)
        }
    }

    @Test("an answer beyond the limit is refused and its connection closed", arguments: [true, false])
    func observesLimit(announcesLength: Bool) async throws {
        let client = try HTTPClient()
        let script: @Sendable (RawServer.Connection) -> Void = { connection in
            guard connection.readHead() != nil else { return }
            connection.write("HTTP/1.1 200 OK\r\n\(announcesLength ? "Content-Length: 99999999999\r\n" : "")\r\n")
            while connection.write([UInt8](repeating: 97, count: 1000)) {}
        }
        try await RawServer.with(script) { server in
            var call = HTTPCall(.get, server.endpoint, "/")
            call.responseLimit = 100_000
            let error = await #expect(throws: HTTPTransportError.self) { try await client.send(call).collect() }
            #expect(error?.kind == .tooLarge)
            try await eventually("the connection is closed") { server.openCount == 0 }
        }
    }

    @Test("an answer of exactly the limit is accepted")
    func acceptsLimit() async throws {
        let client = try HTTPClient()
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
        try await RawServer.with(RawServer.answering(answer, thenCloses: true)) { server in
            var call = HTTPCall(.get, server.endpoint, "/")
            call.responseLimit = 5
            let body = try await client.send(call).collect()
            #expect(body.count == 5)
        }
    }
}
