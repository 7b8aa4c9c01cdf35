import Base
import ObjectStorage
import TestSupport
import Testing

/// The backends that the contract is tested against.
enum ObjectStoreKind: String, CaseIterable, CustomTestStringConvertible {
    case posix

    var testDescription: String { rawValue }

    /// Opens a store of the kind in the test's directory.
    func open() async throws -> any ObjectStore {
        switch self {
        case .posix: try await PosixStore.open(path: TemporaryDirectory.path, pool: pool)
        }
    }
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
