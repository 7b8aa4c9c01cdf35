import Base
import Glibc
import HTTPTypes
import Hummingbird
import TestSupport
import Testing

@testable import HTTPTransport

@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct ManyRequestsTests {
    @Test("a thousand requests are under way at once, and each gets its own answer")
    func thousandAtOnce() async throws {
        let count = 1000
        let arrived = Counter()
        let all = AsyncGate()
        let router = Router()
        router.post("/{number}") { request, context in
            let body = try await request.body.collect(upTo: 100)
            if arrived.increment() == count { await all.open() }
            await all.wait()
            return "\(context.parameters.get("number") ?? "") \(String(buffer: body))"
        }
        let client = try HTTPClient()
        try await TestServer.with(router) { endpoint in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<count {
                    group.addTask {
                        let body = HTTPBody.bytes(Array("body \(number)".utf8))
                        let reply = try await client.send(HTTPCall(.post, endpoint, "/\(number)", body: body))
                        let text = String(decoding: try await reply.collect(), as: UTF8.self)
                        #expect(text == "\(number) body \(number)")
                    }
                }
                do {
                    while try await group.next() != nil {}
                } catch {
                    // The others would wait for the one that failed.
                    await all.open()
                    throw error
                }
            }
            try await eventually("all transfers end") { client.loop.transferCount == 0 }
            client.shutdown()
        }
    }

    @Test("a cancelled transfer is released", arguments: ["/head", "/body", "/up"])
    func releasesTransfer(path: String) async throws {
        let client = try HTTPClient()
        try await RawServer.with(LeakProbe.script) { server in
            let body: HTTPBody = path == "/up" ? .stream(length: nil, Endless()) : .none
            let request = try CurlRequest(
                HTTPCall(.post, server.endpoint, path, body: body),
                site: Site(file: #fileID, line: #line)
            )
            weak var released: CurlTransfer?
            weak var channel: ResponseChannel?
            weak var upload: UploadChannel?
            try await withThrowingTaskGroup(of: Void.self) { group in
                let transfer = CurlTransfer(request, on: client.loop)
                (released, channel, upload) = (transfer, transfer.response, transfer.upload)
                group.addTask {
                    _ = try await transfer.exchange(sending: body)
                    while try await transfer.nextBytes() != nil {}
                }
                try await eventually("the call is under way") { server.acceptedCount == 1 }
                group.cancelAll()
                await #expect(throws: CancellationError.self) { try await group.waitForAll() }
            }
            try await eventually("the transfer is released") { released == nil && channel == nil && upload == nil }
        }
    }

    /// Runs in a process of its own, so that descriptors and memory of other tests do not count.
    @Test("a thousand cancelled calls leave no descriptor, no memory and no transfer behind")
    func thousandCancelled() async throws {
        await #expect(processExitsWith: .success) {
            try await TemporaryDirectory.with { _ in
                let client = try HTTPClient()
                try await RawServer.with(LeakProbe.script) { server in
                    // The first rounds fill caches: spare handles, thread stacks, the allocator's arenas.
                    for _ in 0..<2 { try await LeakProbe.cancelRound(client, server) }
                    let before = LeakProbe.take()
                    for _ in 0..<3 { try await LeakProbe.cancelRound(client, server) }
                    let after = LeakProbe.take()
                    #expect(after.descriptors <= before.descriptors)
                    #expect(after.bytes < before.bytes + (1 << 20), "one handle of libcurl's a call would be 60 MB")
                }
                client.shutdown()
                try await eventually("the thread ends") { client.loop.isOver }
            }
        }
    }
}

/// What the process holds, and the load after which it must hold no more.
private enum LeakProbe {
    /// A third of the requests hang before the head, a third in a response body, a third in their own body.
    static let script: @Sendable (RawServer.Connection) -> Void = { connection in
        guard let head = connection.readHead() else { return }
        if head.contains("/body") { connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello") }
        connection.drain()
    }

    static func cancelRound(_ client: HTTPClient, _ server: RawServer) async throws {
        let goal = server.acceptedCount + 999
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<333 {
                let call = HTTPCall(.post, server.endpoint, "/head/\(number)")
                let streamed = HTTPBody.stream(length: nil, Endless())
                group.addTask { await expectCancelled { try await client.send(call).status } }
                group.addTask { await expectCancelled { try await client.send(call.changed(path: "/body")).collect() } }
                group.addTask {
                    await expectCancelled { try await client.send(call.changed(path: "/up", body: streamed)).status }
                }
            }
            await #expect(throws: Never.self) {
                try await eventually("all are under way", within: .seconds(60)) { server.acceptedCount >= goal }
            }
            group.cancelAll()
        }
        try await eventually("the thread has let go") { client.loop.transferCount == 0 }
        try await eventually("the server has seen every connection close") { server.openCount == 0 }
    }

    static func take() -> (descriptors: Int, bytes: Int) {
        var count = 0
        if let directory = opendir("/proc/self/fd") {
            while readdir(directory) != nil { count += 1 }
            closedir(directory)
        }
        return (count, allocatedBytes())
    }

    /// What was allocated and not freed, as glibc's own `malloc_info` counts it.
    private static func allocatedBytes() -> Int {
        guard let function = dlsym(nil, "malloc_info"), let file = tmpfile() else { return .max }
        defer { fclose(file) }
        typealias MallocInfo = @convention(c) (Int32, UnsafeMutablePointer<FILE>) -> Int32
        _ = unsafeBitCast(function, to: MallocInfo.self)(0, file)
        rewind(file)
        var text: [UInt8] = []
        while case let byte = getc(file), byte >= 0 { text.append(UInt8(byte)) }
        let total = String(decoding: text, as: UTF8.self).split(separator: "</heap>").last ?? ""
        return size(of: "system type=\"current\"", in: total) - size(of: "total type=\"fast\"", in: total)
            - size(of: "total type=\"rest\"", in: total)
    }

    private static func size(of element: String, in text: Substring) -> Int {
        let line = text.split(separator: "\n").last { $0.hasPrefix("<\(element)") }
        return (line?.split(separator: "size=\"").last?.prefix { $0 != "\"" }).flatMap { Int($0) } ?? 0
    }

    private static func expectCancelled(_ body: () async throws -> some Sendable) async {
        do {
            _ = try await body()
            Issue.record("the call was not cancelled")
        } catch {
            if !(error is CancellationError) { Issue.record(error) }
        }
    }
}

extension HTTPCall {
    fileprivate func changed(path: String, body: HTTPBody = .none) -> HTTPCall {
        var call = self
        call.path = path
        call.body = body
        return call
    }
}

/// Holds tasks back until it is opened.
private actor AsyncGate {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func wait() async {
        guard !isOpen else { return }
        await withCheckedContinuation { waiting.append($0) }
    }

    func open() {
        isOpen = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }
}
