import Base
import Glibc
import HTTPTypes
import Synchronization
import TestSupport
import Testing

@testable import HTTPTransport

@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct ConnectionTests {
    private static let hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

    @Test("calls in a row share one connection, whether or not their bodies are read")
    func reusesConnections() async throws {
        let client = try HTTPClient()
        try await RawServer.with(RawServer.answering(Self.hello)) { server in
            for turn in 0..<50 {
                let reply = try await client.send(HTTPCall(.get, server.endpoint, "/"))
                if turn % 2 == 0 { #expect(try await reply.collect() == Array("hello".utf8)) }
                try await eventually("the transfer ends") { client.loop.transferCount == 0 }
            }
            #expect(server.acceptedCount == 1)
            client.shutdown()
        }
    }

    @Test("a connection that its server closed is replaced unseen")
    func replacesClosedConnections() async throws {
        let client = try HTTPClient()
        // Takes the whole request: a server that closes on an unread body may rightly fail the request.
        let script: @Sendable (RawServer.Connection) -> Void = { connection in
            if connection.readHead() != nil, connection.read(upTo: 1) != nil { connection.write(Self.hello) }
        }
        try await RawServer.with(script) { server in
            for turn in 1...10 {
                _ = try await client.send(HTTPCall(.post, server.endpoint, "/", body: .bytes([1]))).collect()
                #expect(server.acceptedCount == turn)
                try await eventually("the server closes") { server.openCount == 0 }
            }
        }
    }

    @Test(
        "a request over which the server died is repeated only if that does no harm",
        arguments: [(HTTPRequest.Method.get, true), (.put, true), (.delete, true), (.post, false), (.patch, false)]
    )
    func repeatsHarmlessRequestsOnly(method: HTTPRequest.Method, isRepeated: Bool) async throws {
        let client = try HTTPClient()
        let requests = Counter()
        let script: @Sendable (RawServer.Connection) -> Void = { connection in
            while connection.readHead() != nil {
                // The second request of all is taken, and then the connection dies.
                if requests.increment() == 2 { return }
                connection.write(Self.hello)
            }
        }
        try await RawServer.with(script) { server in
            _ = try await client.send(HTTPCall(.get, server.endpoint, "/")).collect()
            do {
                let reply = try await client.send(HTTPCall(method, server.endpoint, "/"))
                #expect(isRepeated && reply.status == 200)
            } catch let error as HTTPTransportError {
                #expect(!isRepeated && error.kind == .brokenTransfer, "\(error)")
            }
            #expect(requests.value == (isRepeated ? 3 : 2))
            client.shutdown()
        }
    }

    @Test("a limit of connections makes requests wait in line")
    func limitsConnections() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.maximumConnectionsPerHost = 3
        let client = try HTTPClient(configuration)
        try await RawServer.with(RawServer.answering(Self.hello)) { server in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<60 {
                    group.addTask {
                        let reply = try await client.send(HTTPCall(.get, server.endpoint, "/"))
                        #expect(try await reply.collect().count == 5)
                    }
                }
                try await group.waitForAll()
            }
            #expect(server.acceptedCount <= 3)
            client.shutdown()
        }
    }

    @Test("idle connections beyond the configured number are closed")
    func closesIdleConnections() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.maximumIdleConnections = 2
        let client = try HTTPClient(configuration)
        let gate = ThreadGate()
        let script: @Sendable (RawServer.Connection) -> Void = { connection in
            while connection.readHead() != nil {
                gate.waitUntilOpen()
                connection.write(Self.hello)
            }
        }
        try await RawServer.with(script) { server in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask { _ = try await client.send(HTTPCall(.get, server.endpoint, "/")).collect() }
                }
                try await eventually("all requests are there") { server.acceptedCount == 20 }
                gate.open()
                try await group.waitForAll()
            }
            for _ in 0..<20 { _ = try await client.send(HTTPCall(.get, server.endpoint, "/")).collect() }
            try await eventually("few connections stay") { server.openCount <= 3 }
            client.shutdown()
        }
    }

    @Test("a Unix socket whose queue is full is waited for, but not for ever", arguments: [true, false])
    func waitsForFullQueue(isAccepting: Bool) async throws {
        var configuration = HTTPClientConfiguration()
        configuration.connectTimeout = isAccepting ? .seconds(30) : .milliseconds(200)
        let client = try HTTPClient(configuration)
        let gate = ThreadGate()
        try await RawServer.with(RawServer.answering(Self.hello), queue: 1, acceptingAfter: gate) { server in
            try await withThrowingTaskGroup(of: HTTPTransportError.Kind?.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        do {
                            _ = try await client.send(HTTPCall(.get, server.endpoint, "/")).collect()
                            return nil
                        } catch let error as HTTPTransportError {
                            return error.kind
                        }
                    }
                }
                if isAccepting {
                    try await eventually("calls are under way") { client.loop.transferCount == 20 }
                    gate.open()
                    for try await kind in group { #expect(kind == nil) }
                } else {
                    #expect(try await group.next() == .cannotConnect)
                    gate.open()
                    try await group.waitForAll()
                }
            }
            client.shutdown()
        }
    }

    @Test("a redirect is an answer, and is not followed")
    func doesNotFollowRedirects() async throws {
        let client = try HTTPClient()
        let redirect = "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
        try await RawServer.with(RawServer.answering(redirect, thenCloses: true)) { server in
            let reply = try await client.send(HTTPCall(.get, server.endpoint, "/"))
            #expect(reply.status == 302)
            #expect(reply.headers[.location] == "/elsewhere")
            #expect(try await reply.collect().isEmpty)
            #expect(server.acceptedCount == 1)
        }
    }

    @Test(
        "a server that is not there is named, and the request may be repeated",
        arguments: [
            "unix:/nonexistent/socket", "http://127.0.0.1:1", "http://host.invalid",
            "unix:/\(String(repeating: "a", count: 200))",
        ]
    )
    func cannotConnect(url: String) async throws {
        let client = try HTTPClient()
        let endpoint = try HTTPEndpoint.url(url)
        let error = await #expect(throws: HTTPTransportError.self) {
            try await client.send(HTTPCall(.post, endpoint, "/a?b"))
        }
        #expect(error?.kind == .cannotConnect, "\(error?.description ?? "")")
        #expect(error?.description.contains("POST /a at \(url)") == true)
        #expect(error?.site?.file == "HTTPTransportTests/ConnectionTests.swift")
    }

    @Test("a shutdown ends running transfers, the thread and all later calls")
    func shutsDown() async throws {
        let client = try HTTPClient()
        let script: @Sendable (RawServer.Connection) -> Void = { connection in
            guard let head = connection.readHead() else { return }
            if head.contains("/body") { connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello") }
            connection.drain()
        }
        try await RawServer.with(script) { server in
            let reply = try await client.send(HTTPCall(.get, server.endpoint, "/body"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await expectClosed { try await client.send(HTTPCall(.get, server.endpoint, "/head")) } }
                try await eventually("both are under way") { server.acceptedCount == 2 }
                client.shutdown()
                client.shutdown()
                try await group.waitForAll()
            }
            await expectClosed { try await reply.collect() }
            await expectClosed { try await client.send(HTTPCall(.get, server.endpoint, "/later")) }
            try await eventually("the thread ends") { client.loop.isOver }
            #expect(client.loop.transferCount == 0)
        }
    }

    @Test("a dropped client ends its thread, but not before its last reply is read")
    func dropsClient() async throws {
        try await RawServer.with(RawServer.answering(Self.hello)) { server in
            var client: HTTPClient? = try HTTPClient()
            let loop = try #require(client?.loop)
            var reply = try await client?.send(HTTPCall(.get, server.endpoint, "/"))
            client = nil
            #expect(try await reply?.collect() == Array("hello".utf8))
            #expect(!loop.isOver)
            reply = nil
            try await eventually("the thread ends") { loop.isOver }
        }
    }
}

private func expectClosed(_ body: () async throws -> some Sendable) async {
    let error = await #expect(throws: HTTPTransportError.self) { _ = try await body() }
    #expect(error?.kind == .closed)
}
