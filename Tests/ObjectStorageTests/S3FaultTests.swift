import Base
import HTTPTransport
import HTTPTypes
import Synchronization
import TestSupport
import Testing

@testable import ObjectStorage

private let needsServer: ConditionTrait = .enabled(
    if: TestBucket.isAvailable,
    "\(TestS3Server.obstacle ?? "there is an S3 server")"
)

@Suite("A bucket behind a bad network", needsServer, .temporaryDirectory, .timeLimit(.minutes(6)))
struct S3FaultTests {
    private static let content = (0..<150_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }

    /// What passes when it is tried again.
    private static let passing: [FaultyRelay.Fault] = [
        .status(500), .status(503), .status(429), .status(409), .resetBefore, .resetAfter, .shortAnswer,
    ]

    private func store(
        through relay: FaultyRelay,
        like configuration: S3Configuration,
        _ adjust: (inout S3Limits) -> Void = { _ in }
    ) throws -> S3Store {
        var limits = TestBucket.limits
        adjust(&limits)
        var configuration = configuration
        configuration.endpoint = "http://127.0.0.1:\(relay.port)"
        let connection = try S3Connection(configuration, client: TestBucket.client.get(), limits: limits)
        return S3Store(connection: connection, pool: pool)
    }

    private func bucket() async throws -> (configuration: S3Configuration, store: S3Store, port: UInt16) {
        let configuration = try await TestBucket.configuration()
        let store = try await S3Store.open(
            configuration,
            client: TestBucket.client.get(),
            limits: TestBucket.limits,
            pool: pool
        )
        return (configuration, store, try await TestS3Server.shared().port)
    }

    @Test("whatever fails once is done all the same, or leaves nothing", arguments: passing)
    func failsOnce(_ fault: FaultyRelay.Fault) async throws {
        let (configuration, plain, port) = try await bucket()
        let once = OnceEach()
        try await FaultyRelay.with(to: port, { once.isFirst($0) ? fault : .none }) { relay in
            let store = try store(through: relay, like: configuration)
            try await store.write("small", bytes: [1, 2, 3])
            #expect(try await store.read("small", limit: 10) == [1, 2, 3])
            #expect(try await store.stat("small").size == 3)
            #expect(try await store.names() == ["small"])
            try await store.delete("small")
            #expect(try await !store.exists("small"))
            do {
                try await store.write("large", size: nil, body: Chunks(Self.content))
            } catch {
                // To begin an upload is the one step that is not repeated when its answer is lost.
                #expect(ErrorChain(error).first(ObjectStorageError.self)?.kind == .unavailable)
                #expect(fault != .status(503) && fault != .status(429))
                #expect(relay.seen.last?.hasSuffix("?uploads= HTTP/1.1") == true)
                #expect(try await plain.names().isEmpty)
                try await store.write("large", size: nil, body: Chunks(Self.content))
            }
            let reader = try await store.open("large")
            #expect(reader.size == Int64(Self.content.count))
            var read: [UInt8] = []
            for try await chunk in reader.chunks(of: 100_000) { read += chunk }
            #expect(read == Self.content)
            #expect(try await plain.names() == ["large"])
        }
    }

    @Test(
        "a server that never recovers is given up, and nothing of the object is there",
        arguments: [FaultyRelay.Fault.status(503), .resetAfter, .shortAnswer]
    )
    func failsAlways(_ fault: FaultyRelay.Fault) async throws {
        let (configuration, plain, port) = try await bucket()
        try await plain.write("old", bytes: [1, 2, 3, 4, 5, 6])
        try await FaultyRelay.with(to: port, { _ in fault }) { relay in
            let store = try store(through: relay, like: configuration) { $0.attempts = 3 }
            let error = await #expect(throws: ObjectStorageError.self) { try await store.read("old", limit: 9) }
            #expect(error?.kind == .unavailable)
            #expect(relay.seen.count == 3)
            #expect(await kind { _ = try await store.names() } == .unavailable)
            #expect(
                await kind { try await store.write("large", size: nil, body: Chunks(Self.content)) } == .unavailable
            )
            #expect(try await plain.names() == ["old"])
        }
    }

    @Test("a part that cannot be sent ends the upload", arguments: [403, 412, 500])
    func failingPart(_ status: Int) async throws {
        let (configuration, plain, port) = try await bucket()
        try await FaultyRelay.with(to: port, { $0.contains("partNumber=3") ? .status(status) : .none }) { relay in
            let store = try store(through: relay, like: configuration) { $0.attempts = 2 }
            #expect(await kind { try await store.write("a", size: nil, body: Chunks(Self.content)) } == .unavailable)
        }
        #expect(try await plain.names().isEmpty)
        #expect(try await uploads(of: plain) == 0)
    }

    @Test("a body that fails or is cancelled between two parts ends the upload", arguments: [true, false])
    func abandoned(isCancelled: Bool) async throws {
        struct Broken: Error {}
        let (_, plain, _) = try await bucket()
        let (body, feed) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
        let writing = Task { try await plain.write("a", size: nil, body: body) }
        feed.yield(Self.content)
        try await eventually("an upload has begun", within: .seconds(60)) { try await uploads(of: plain) == 1 }
        if isCancelled {
            writing.cancel()
            await #expect(throws: CancellationError.self) { try await writing.value }
        } else {
            feed.finish(throwing: Broken())
            await #expect(throws: Failure.self) { try await writing.value }
        }
        try await eventually("the upload is ended", within: .seconds(60)) { try await uploads(of: plain) == 0 }
        #expect(try await plain.names().isEmpty)
    }

    @Test("a server that hangs is asked twice and then given up; nobody waits for it for ever")
    func hangs() async throws {
        let (configuration, plain, port) = try await bucket()
        try await FaultyRelay.with(to: port, { _ in .hang }) { relay in
            let store = try store(through: relay, like: configuration) { $0.silence = .milliseconds(200) }
            let error = await #expect(throws: ObjectStorageError.self) { try await store.write("a", bytes: [1]) }
            #expect(error?.kind == .unavailable)
            #expect(error.map { ErrorChain($0).message.contains("no byte moved") } == true)
            #expect(relay.seen.count == 2)
            let waiting = Task { try await store.stat("a") }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
        }
        #expect(try await plain.names().isEmpty)
    }

    @Test("a wrong key is refused once, and no error holds a key")
    func wrongKey() async throws {
        var (configuration, _, _) = try await bucket()
        configuration.secretAccessKey = SecretValue("not-the-secret")
        let wrong = configuration
        let error = await #expect(throws: ObjectStorageError.self) {
            try await S3Store.open(wrong, client: TestBucket.client.get(), limits: TestBucket.limits)
        }
        #expect(error?.kind == .unavailable)
        for text in ["not-the-secret", TestS3Server.accessKey] {
            #expect(error.map { "\($0)".contains(text) } == false)
        }
        #expect(!"\(wrong)".contains("not-the-secret"))
    }

    private func uploads(of store: S3Store) async throws -> Int {
        let request = S3Request(.get, nil, query: [("uploads", "")])
        let answer = try await store.connection.send(request, about: "uploads")
        return try XMLReader.read(answer.body).children.count { $0.name == "Upload" }
    }
}
