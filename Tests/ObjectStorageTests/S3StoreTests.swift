import Base
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import TestSupport
import Testing

@testable import ObjectStorage

@Suite(
    "A bucket",
    .enabled(if: TestBucket.isAvailable, "\(TestS3Server.obstacle ?? "there is an S3 server")"),
    .temporaryDirectory,
    .timeLimit(.minutes(6))
)
struct S3StoreTests {
    @Test("is found in the host's name, too")
    func virtualHost() async throws {
        var configuration = try await TestBucket.configuration()
        let port = try await TestS3Server.shared().port
        configuration.endpoint = "http://localhost:\(port)"
        configuration.usesPathStyle = false
        let store = try await S3Store.open(configuration, client: TestBucket.client.get(), limits: TestBucket.limits)
        try await store.write("a/b c+é", bytes: [1, 2])
        #expect(try await store.read("a/b c+é", limit: 9) == [1, 2])
        #expect(try await store.names(prefix: "a/b ") == ["a/b c+é"])
        configuration.usesPathStyle = true
        let same = try await S3Store.open(configuration, client: TestBucket.client.get(), limits: TestBucket.limits)
        #expect(try await same.names() == ["a/b c+é"])
    }

    @Test("of many pages is listed in the order of bytes, and what breaks our rules is nobody's object")
    func pages() async throws {
        let store = try await TestBucket.open()
        let names = (0..<30).flatMap { ["n/\($0)", "n/\($0).x", "é\($0)"] } + ["n ", "n+", "n/é/☺", "~", "A"]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in names { group.addTask { try await store.write(name, bytes: [1]) } }
            try await group.waitForAll()
        }
        for stranger in ["n/", "a//b", "../x"] {
            _ = try await store.connection.send(S3Request(.put, stranger, body: []), about: stranger)
        }
        let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        #expect(try await store.names() == sorted)
        #expect(try await store.names(prefix: "n/") == sorted.filter { $0.hasPrefix("n/") })
        #expect(try await store.names(prefix: "", after: "n/17") == Array(sorted.drop { $0 != "n/17" }.dropFirst()))
    }

    @Test("takes objects around the size of a part, whole", arguments: [-1, 0, 1])
    func aroundParts(_ difference: Int) async throws {
        let store = try await TestBucket.open()
        for parts in [1, 2] {
            let size = parts * TestBucket.limits.partSize + difference
            let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ $0 >> 7) }
            for announced in [nil, Int64(size)] {
                let body = Chunks(content, of: 50_001)
                #expect(try await store.write("a", size: announced, body: body) == Int64(size))
                #expect(try await store.read("a", limit: 1 << 20) == content)
            }
            let short = await kind { try await store.write("b", size: Int64(size) + 1, body: Chunks(content)) }
            #expect(short == .shortWrite)
        }
        #expect(try await store.names() == ["a"])
    }

    @Test("refuses what cannot fit before it sends anything, and ends the upload when the size was not known")
    func tooLarge() async throws {
        var limits = TestBucket.limits
        limits.partCount = 2
        let store = try await TestBucket.open(limits: limits)
        let content = [UInt8](repeating: 1, count: 2 * limits.partSize + 1)
        #expect(
            await kind { try await store.write("a", size: Int64(content.count), body: Chunks(content)) } == .tooLarge
        )
        #expect(await kind { try await store.write("a", size: nil, body: Chunks(content)) } == .tooLarge)
        #expect(try await store.names().isEmpty)
    }

    @Test("is rid of uploads that were abandoned, but only of old ones and its own")
    func abandonedUploads() async throws {
        let store = try await TestBucket.open()
        let uploads = S3Uploads(connection: store.connection)
        _ = try await uploads.begin("mine/a")
        _ = try await uploads.begin("theirs/a")
        try await uploads.endAbandoned(prefix: "mine/")
        #expect(try await count(store) == 2)
        try await uploads.endAbandoned(prefix: "mine/", olderThan: -3600)
        #expect(try await count(store) == 1)
    }

    private func count(_ store: S3Store) async throws -> Int {
        let answer = try await store.connection.send(S3Request(.get, nil, query: [("uploads", "")]), about: "")
        return try XMLReader.read(answer.body).children.count { $0.name == "Upload" }
    }

    /// `MARTLET_LARGE_UPLOAD=1024` uploads so many MiB, and prints how much memory that took.
    @Test("takes a large object in parts of the real size, and gives it back unchanged")
    func large() async throws {
        let size = (ProcessInfo.processInfo.environment["MARTLET_LARGE_UPLOAD"].flatMap(Int.init) ?? 20) << 20
        let store = try await TestBucket.open(limits: S3Limits())
        let before = Self.residentBytes
        let written = try await store.write("large", size: nil, body: Pattern(size: size))
        let after = Self.residentBytes
        print("uploaded \(size >> 20) MiB; resident memory grew by \((after - before) >> 20) MiB")
        #expect(written == Int64(size))
        let reader = try await store.open("large")
        var offset = 0
        for try await chunk in reader.chunks() {
            #expect(chunk.elementsEqual(Pattern.bytes(offset, chunk.count)))
            offset += chunk.count
        }
        #expect(offset == size)
    }

    private static var residentBytes: Int {
        // On Linux the file is always there.
        let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
        return (line.split(separator: " ").dropFirst().first.flatMap { Int($0.filter(\.isNumber)) } ?? 0) << 10
    }
}

/// A body that is made while it is read.
private struct Pattern: AsyncSequence, Sendable {
    let size: Int

    static func bytes(_ offset: Int, _ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { space, filled in
            for index in 0..<count {
                space[index] = UInt8(truncatingIfNeeded: (offset + index) &* 31 &+ (offset + index) >> 10)
            }
            filled = count
        }
    }

    struct Iterator: AsyncIteratorProtocol {
        let size: Int
        var offset = 0

        mutating func next() async -> [UInt8]? {
            guard offset < size else { return nil }
            let count = Swift.min(100_000, size - offset)
            defer { offset += count }
            return Pattern.bytes(offset, count)
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(size: size) }
}
