import Base
import HTTPTransport
import HTTPTypes
import TestSupport
import Testing

@testable import ObjectStorage

@Suite(
    "A bucket whose server dies",
    .enabled(if: TestBucket.isAvailable, "\(TestS3Server.obstacle ?? "there is an S3 server")"),
    .timeLimit(.minutes(6)),
    .serialized
)
struct S3KilledServerTests {
    private static let content = (0..<600_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }

    /// A store that goes through a server of the test's own, and one for looking at what is there.
    private func stores(_ name: String, _ limits: S3Limits) async throws -> (port: UInt16, S3Store, plain: S3Store) {
        let port = try await TestS3Server.shared().startFront(name)
        let plain = try await TestBucket.open()
        let configuration = try await TestBucket.configuration(port: port, bucket: plain.connection.bucket)
        let store = try await S3Store.open(configuration, client: TestBucket.client.get(), limits: limits, pool: pool)
        return (port, store, plain)
    }

    private var patient: S3Limits {
        var limits = TestBucket.limits
        limits.attempts = 200
        return limits
    }

    @Test("a kill in the middle of an upload leaves nothing, and the upload that is tried again arrives whole")
    func killedInUpload() async throws {
        let server = try await TestS3Server.shared()
        var limits = TestBucket.limits
        limits.attempts = 3
        let (port, store, plain) = try await stores("upload", limits)
        let (body, feed) = AsyncStream.makeStream(of: [UInt8].self)
        feed.yield(Array(Self.content[..<200_000]))
        let writing = Task { try await store.write("a/b", size: nil, body: body) }
        try await eventually("the upload is under way", within: .seconds(60)) {
            let answer = try await plain.connection.send(S3Request(.get, nil, query: [("uploads", "")]), about: "")
            return try XMLReader.read(answer.body).first("Upload") != nil
        }
        try server.killFront("upload")
        feed.yield(Array(Self.content[200_000...]))
        feed.finish()
        let error = await #expect(throws: ObjectStorageError.self) { try await writing.value }
        #expect(error?.kind == .unavailable)
        #expect(try await plain.names().isEmpty)
        try await server.restartFront("upload", port: port)
        try await store.write("a/b", size: nil, body: Chunks(Self.content))
        #expect(try await plain.read("a/b", limit: 1 << 20) == Self.content)
        try server.killFront("upload")
    }

    @Test("a server that is killed and comes back in time is waited for, by uploads and downloads")
    func killedAndBack() async throws {
        let server = try await TestS3Server.shared()
        let (port, store, plain) = try await stores("back", patient)
        let (body, feed) = AsyncStream.makeStream(of: [UInt8].self)
        feed.yield(Array(Self.content[..<200_000]))
        let writing = Task { try await store.write("a", size: Int64(Self.content.count), body: body) }
        try await eventually("the upload is under way", within: .seconds(60)) {
            let answer = try await plain.connection.send(S3Request(.get, nil, query: [("uploads", "")]), about: "")
            return try XMLReader.read(answer.body).first("Upload") != nil
        }
        try server.killFront("back")
        feed.yield(Array(Self.content[200_000...]))
        feed.finish()
        try await server.restartFront("back", port: port)
        #expect(try await writing.value == Int64(Self.content.count))
        #expect(try await plain.read("a", limit: 1 << 20) == Self.content)

        var read: [UInt8] = []
        let reader = try await store.open("a")
        for try await chunk in reader.chunks(of: 100_000) {
            read += chunk
            guard read.count == 200_000 else { continue }
            try server.killFront("back")
            try await server.restartFront("back", port: port)
        }
        #expect(read == Self.content)
        try server.killFront("back")
    }

    @Test("a server that stands still is waited for as long as it is allowed to be silent, and is usable afterwards")
    func standsStill() async throws {
        let server = try await TestS3Server.shared()
        var limits = TestBucket.limits
        limits.silence = .milliseconds(500)
        let (port, store, _) = try await stores("still", TestBucket.limits)
        let configuration = try await TestBucket.configuration(port: port, bucket: store.connection.bucket)
        let connection = try S3Connection(configuration, client: TestBucket.client.get(), limits: limits)
        let impatient = S3Store(connection: connection, pool: pool)
        try server.pauseFront("still", true)
        #expect(await kind { try await impatient.write("a", bytes: [1]) } == .unavailable)
        let writing = Task { try await store.write("b", bytes: [2]) }
        try await Task.sleep(for: .seconds(1))
        try server.pauseFront("still", false)
        try await writing.value
        #expect(try await store.read("b", limit: 1) == [2])
        try server.killFront("still")
    }
}
