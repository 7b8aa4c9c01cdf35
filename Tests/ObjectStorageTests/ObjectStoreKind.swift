import Base
import FoundationEssentials
import HTTPTransport
import ObjectStorage
import Synchronization
import TestSupport
import Testing

/// The backends that the contract is tested against.
enum ObjectStoreKind: String, CaseIterable, CustomTestStringConvertible {
    case posix, flat, s3

    var testDescription: String { rawValue }

    /// Those that can be tried here; in CI all of them must.
    static var available: [ObjectStoreKind] {
        allCases.filter { $0 != .s3 || TestBucket.isAvailable }
    }

    /// Whether directories hold the objects, so that an object cannot be the parent of others.
    var isHierarchy: Bool { self == .posix }

    /// Opens an empty store of the kind, of the test's own.
    func open() async throws -> any ObjectStore {
        switch self {
        case .posix: try await PosixStore.open(path: TemporaryDirectory.path, pool: pool)
        case .flat: try await PosixStore.open(path: TemporaryDirectory.path, layout: .flat, pool: pool)
        case .s3: try await TestBucket.open()
        }
    }
}

/// Buckets of the shared server, each test's its own.
enum TestBucket {
    /// Whether a server can be started; where CI runs, it has to be.
    static var isAvailable: Bool {
        TestS3Server.obstacle == nil || ProcessInfo.processInfo.environment["CI"] == "true"
    }

    /// Small parts and short pauses.
    static var limits: S3Limits {
        var limits = S3Limits()
        limits.partSize = 64 << 10
        limits.pageSize = 7
        limits.firstPause = .milliseconds(20)
        limits.longestPause = .milliseconds(500)
        return limits
    }

    /// A configuration that nobody else uses.
    static func configuration(port: UInt16? = nil, bucket: String? = nil) async throws -> S3Configuration {
        let server = try await TestS3Server.shared()
        return S3Configuration(
            endpoint: port.map { "http://127.0.0.1:\($0)" } ?? server.url,
            bucket: bucket ?? "b\(HexText.random(bytes: 8))",
            accessKey: TestS3Server.accessKey,
            secretAccessKey: SecretValue(TestS3Server.secretAccessKey)
        )
    }

    static func open(limits: S3Limits = limits) async throws -> S3Store {
        try await S3Store.open(try await configuration(), client: client.get(), limits: limits, pool: pool)
    }

    /// One thread for all tests.
    static let client = Result { try HTTPClient() }
}

/// Threads live as long as the process: one pool for all tests.
let pool = BlockingPool(name: "object-tests", threads: 4)

/// A body in chunks of a few bytes, which may end with an error.
struct Chunks: AsyncSequence, Sendable {
    var chunks: [[UInt8]]
    var error: (any Error)?

    struct Iterator: AsyncIteratorProtocol {
        var rest: ArraySlice<[UInt8]>
        let error: (any Error)?

        mutating func next() async throws -> [UInt8]? {
            if let chunk = rest.popFirst() { return chunk }
            if let error { throw error }
            return nil
        }
    }

    init(_ bytes: [UInt8], of size: Int = 700, error: (any Error)? = nil) {
        chunks = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<Swift.min($0 + size, bytes.count)]) }
        self.error = error
    }

    func makeAsyncIterator() -> Iterator { Iterator(rest: chunks[...], error: error) }
}

/// A body of chunks of a hundred bytes that counts those nobody has read.
final class Countdown: AsyncSequence, Sendable {
    private let left: Mutex<Int>

    var rest: Int { left.withLock(\.self) }

    init(chunks: Int) {
        left = Mutex(chunks)
    }

    struct Iterator: AsyncIteratorProtocol {
        let body: Countdown

        func next() async -> [UInt8]? {
            let isLeft = body.left.withLock { left in
                guard left > 0 else { return false }
                left -= 1
                return true
            }
            return isLeft ? [UInt8](repeating: 1, count: 100) : nil
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(body: self) }
}

extension ObjectStore {
    /// All names of a listing.
    func names(prefix: String = "", after: String? = nil) async throws -> [String] {
        var names: [String] = []
        for try await facts in try list(prefix: prefix, after: after) { names.append(facts.name) }
        return names
    }
}

/// The kind of object storage error that `body` throws.
func kind(_ body: () async throws -> Void) async -> ObjectStorageError.Kind? {
    do {
        try await body()
        return nil
    } catch {
        return ErrorChain(error).first(ObjectStorageError.self)?.kind
    }
}
