import Base
import Glibc
import HTTPTypes
import Synchronization
import TestSupport
import Testing

@testable import HTTPTransport

@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct StreamingTests {
    private struct ProducerFailed: Error {}

    @Test("while nobody reads, the server cannot send more than the buffers hold; then everything arrives")
    func pausesReceiving() async throws {
        let client = try HTTPClient()
        let size = 4 << 20
        let sent = Counter()
        let script: @Sendable (RawServer.Connection) -> Void = { connection in
            guard connection.readHead() != nil else { return }
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
            connection.write(Self.pattern(size)) { sent.increment(by: $0) }
        }
        try await RawServer.with(script) { server in
            let reply = try await client.send(HTTPCall(.get, server.endpoint, "/"))
            try await eventually("the server begins") { sent.value > 0 }
            try await sent.standstill()
            // Our buffer, one block of libcurl's, and the two socket buffers of the kernel.
            #expect(sent.value < 1 << 20)
            var received: [UInt8] = []
            for try await bytes in reply.body {
                #expect(bytes.count <= ResponseChannel.capacity + (16 << 10))
                received += bytes
            }
            #expect(received == Self.pattern(size))
        }
    }

    @Test("a producer is asked only for what the server takes; then everything arrives", arguments: [true, false])
    func pausesProducing(announcesLength: Bool) async throws {
        let client = try HTTPClient()
        let size = 16 << 20
        let produced = Counter()
        let gate = ThreadGate()
        let received = Counter()
        let script: @Sendable (RawServer.Connection) -> Void = { connection in
            guard connection.readHead() != nil else { return }
            gate.waitUntilOpen()
            while let bytes = connection.read(upTo: 64 << 10) {
                received.increment(by: bytes.count)
                if bytes.suffix(5).elementsEqual("0\r\n\r\n".utf8) || received.value == size { break }
            }
            connection.write("HTTP/1.1 204 Done\r\n\r\n")
        }
        try await RawServer.with(script) { server in
            let body = Produced(pieces: 1024, of: size / 1024) { produced.increment() }
            let call = HTTPCall(.post, server.endpoint, "/", body: .stream(length: announcesLength ? size : nil, body))
            try await withThrowingTaskGroup(of: Int.self) { group in
                group.addTask { try await client.send(call).status }
                try await eventually("the producer begins") { produced.value > 0 }
                try await produced.standstill()
                #expect(produced.value < 128)
                gate.open()
                #expect(try await group.next() == 204)
            }
            #expect(produced.value == 1024)
            #expect(announcesLength ? received.value == size : received.value > size)
        }
    }

    @Test("a producer that fails breaks the request off, and its error is the cause")
    func producerFails() async throws {
        let client = try HTTPClient()
        let received = Counter()
        let script: @Sendable (RawServer.Connection) -> Void = { connection in
            guard connection.readHead() != nil else { return }
            received.increment(by: connection.drain())
        }
        try await RawServer.with(script) { server in
            let body = Produced(pieces: 3, of: 1000, failing: ProducerFailed())
            let call = HTTPCall(.post, server.endpoint, "/", body: .stream(length: nil, body))
            let error = await #expect(throws: HTTPTransportError.self) { try await client.send(call) }
            #expect(error?.kind == .requestBody)
            #expect(error?.cause is ProducerFailed)
            try await eventually("the connection is closed") { server.openCount == 0 }
            #expect(received.value < 4000)
            #expect(client.loop.transferCount == 0)
        }
    }

    @Test("a body that is shorter or longer than announced breaks the request off", arguments: [2999, 3001])
    func lengthMustMatch(announced: Int) async throws {
        let client = try HTTPClient()
        let script: @Sendable (RawServer.Connection) -> Void = { connection in
            guard connection.readHead() != nil else { return }
            connection.drain()
        }
        try await RawServer.with(script) { server in
            let body = Produced(pieces: 3, of: 1000)
            let call = HTTPCall(.put, server.endpoint, "/", body: .stream(length: announced, body))
            let error = await #expect(throws: HTTPTransportError.self) { try await client.send(call) }
            #expect(error?.kind == .requestBody)
            try await eventually("the connection is closed") { server.openCount == 0 }
        }
    }

    @Test("a refusal in the middle of a body is an answer, and the producer is stopped")
    func refusedEarly() async throws {
        let client = try HTTPClient()
        let script: @Sendable (RawServer.Connection) -> Void = { connection in
            guard connection.readHead() != nil else { return }
            connection.write("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!")
            connection.drain()
        }
        try await RawServer.with(script) { server in
            let call = HTTPCall(.put, server.endpoint, "/", body: .stream(length: nil, Endless()))
            let reply = try await client.send(call)
            #expect(reply.status == 413)
            #expect(try await reply.collect() == Array("no!".utf8))
            try await eventually("the connection is closed") { server.openCount == 0 }
        }
    }

    @Test("a refusal is an answer also while the producer has nothing to send", arguments: [nil, 1 << 20])
    func refusedWhileWaiting(length: Int?) async throws {
        let client = try HTTPClient()
        let script: @Sendable (RawServer.Connection) -> Void = { connection in
            guard connection.readHead() != nil else { return }
            // Later than the first bytes, so that the transfer waits for more of them by then.
            usleep(50_000)
            connection.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nno!")
            connection.drain()
        }
        try await RawServer.with(script) { server in
            let body = HTTPBody.stream(length: length, Stalling())
            let reply = try await client.send(HTTPCall(.put, server.endpoint, "/", body: body))
            #expect(reply.status == 400)
            #expect(try await reply.collect() == Array("no!".utf8))
        }
    }

    @Test("cancelling an upload stops its producer and closes the connection")
    func cancelsUpload() async throws {
        let client = try HTTPClient()
        let script: @Sendable (RawServer.Connection) -> Void = { connection in
            connection.drain()
        }
        try await RawServer.with(script) { server in
            let task = Task {
                try await client.send(HTTPCall(.put, server.endpoint, "/", body: .stream(length: nil, Endless())))
                    .status
            }
            try await eventually("the upload is under way") { server.openCount == 1 }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            try await eventually("the connection is closed") { server.openCount == 0 }
        }
    }

    @Test("a server that dies in the middle of an upload stops its producer")
    func serverDiesInUpload() async throws {
        let client = try HTTPClient()
        let script: @Sendable (RawServer.Connection) -> Void = { connection in
            _ = connection.readHead()
        }
        try await RawServer.with(script) { server in
            let call = HTTPCall(.put, server.endpoint, "/", body: .stream(length: nil, Endless()))
            let error = await #expect(throws: HTTPTransportError.self) { try await client.send(call) }
            #expect(error?.kind == .brokenTransfer)
            #expect(client.loop.transferCount == 0)
        }
    }

    @Test("a producer that waits for long does not end the call, and sends as soon as it goes on")
    func waitsForProducer() async throws {
        let client = try HTTPClient()
        let first = Counter()
        let script: @Sendable (RawServer.Connection) -> Void = { connection in
            guard connection.readHead() != nil, let bytes = connection.read(upTo: 100) else { return }
            first.increment(by: bytes.count)
            while let bytes = connection.read(upTo: 100), !bytes.suffix(5).elementsEqual("0\r\n\r\n".utf8) {}
            connection.write("HTTP/1.1 204 Done\r\n\r\n")
        }
        try await RawServer.with(script) { server in
            let (stream, source) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
            var call = HTTPCall(.post, server.endpoint, "/", body: .stream(length: nil, stream))
            call.idleTimeout = .milliseconds(100)
            try await withThrowingTaskGroup(of: Int.self) { [call] group in
                group.addTask { try await client.send(call).status }
                source.yield(Array("one".utf8))
                try await eventually("the first piece arrives alone") { first.value > 0 }
                try await Task.sleep(for: .milliseconds(300))
                source.yield(Array("two".utf8))
                try await Task.sleep(for: .milliseconds(10))
                source.finish()
                #expect(try await group.next() == 204)
            }
        }
    }

    /// What a server does while the producer of an upload has nothing to send.
    enum Refusal: String, CaseIterable {
        case answersAndListens, answersAndCloses, closes, acceptsAndCloses
    }

    @Test("a refusal that comes while the producer has nothing to send ends the call", arguments: Refusal.allCases)
    func refusedWhilePaused(_ refusal: Refusal) async throws {
        let client = try HTTPClient()
        let isOver = ThreadGate()
        let script: @Sendable (RawServer.Connection) -> Void = { connection in
            guard connection.readHead() != nil, connection.read(upTo: 100) != nil else { return }
            switch refusal {
            case .answersAndListens, .answersAndCloses:
                connection.write("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!")
            case .acceptsAndCloses:
                connection.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            case .closes: break
            }
            if refusal == .answersAndListens { isOver.waitUntilOpen() }
        }
        try await RawServer.with(script) { server in
            defer { isOver.open() }
            let (stream, source) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
            source.yield(Array("one".utf8))
            let call = HTTPCall(.put, server.endpoint, "/", body: .stream(length: nil, stream))
            switch refusal {
            case .answersAndListens, .answersAndCloses:
                let reply = try await client.send(call)
                #expect(reply.status == 413)
                #expect(try await reply.collect() == Array("no!".utf8))
            case .closes, .acceptsAndCloses:
                let error = await #expect(throws: HTTPTransportError.self) { try await client.send(call) }
                #expect(error?.kind == .brokenTransfer)
            }
            try await eventually("the transfer is over") { client.loop.transferCount == 0 }
        }
    }

    private static func pattern(_ size: Int) -> [UInt8] {
        (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }
}

/// A body of equal pieces, with an error at its end if wanted.
struct Produced: AsyncSequence, Sendable {
    typealias Failure = any Error

    var pieces: Int
    var size: Int
    var error: (any Error)?
    var note: @Sendable () -> Void

    init(pieces: Int, of size: Int, failing error: (any Error)? = nil, _ note: @escaping @Sendable () -> Void = {}) {
        self.pieces = pieces
        self.size = size
        self.error = error
        self.note = note
    }

    func makeAsyncIterator() -> Iterator { Iterator(body: self) }

    struct Iterator: AsyncIteratorProtocol {
        var body: Produced

        mutating func next() async throws -> [UInt8]? {
            guard body.pieces > 0 else {
                if let error = body.error { throw error }
                return nil
            }
            body.pieces -= 1
            body.note()
            return [UInt8](repeating: 1, count: body.size)
        }
    }
}

/// A body without end, that does not look at cancellation.
struct Endless: AsyncSequence, Sendable {
    func makeAsyncIterator() -> Iterator { Iterator() }

    struct Iterator: AsyncIteratorProtocol {
        func next() async throws -> [UInt8]? { [UInt8](repeating: 1, count: 10_000) }
    }
}

/// A few bytes, and then nothing until it is cancelled.
private struct Stalling: AsyncSequence, AsyncIteratorProtocol {
    private var isFirst = true

    func makeAsyncIterator() -> Stalling { self }

    mutating func next() async throws -> [UInt8]? {
        guard !isFirst else {
            isFirst = false
            return Array("some".utf8)
        }
        while true { try await Task.sleep(for: .seconds(60)) }
    }
}
