import Base
package import ObjectStorage
import Synchronization

/// Caches that outlive their runs.
///
/// The first one under a key stays until it is too old.
package final class Caches: Sendable {
    private let objects: any ObjectStore
    // Caches whose last byte is here and that are not visible yet.
    private let completing = Mutex<Set<CacheKey>>([])

    /// Keeps caches among the objects.
    package init(objects: any ObjectStore) {
        self.objects = objects
    }

    /// Whether there is a cache of exactly this key.
    package func exists(_ key: CacheKey) async throws -> Bool {
        try await objects.exists(key.name)
    }

    /// Stores a cache unless there is one of the key already; of several that arrive at once, the first that is complete.
    /// - Parameters:
    ///   - key: the cache's key.
    ///   - size: how many bytes it has, if that is known.
    ///   - body: makes the body, which calls what it is given before it hands its last byte on.
    /// - Returns: whether this one was stored.
    /// - Throws: ``ObjectStorageError``, and what the body throws.
    package func save<Body: AsyncSequence & Sendable>(
        _ key: CacheKey,
        size: Int64?,
        body: (_ isComplete: @escaping @Sendable () async throws -> Void) throws -> Body
    ) async throws -> Bool where Body.Element == [UInt8] {
        if try await exists(key) { return false }
        let claim = Claim()
        defer { if claim.isHeld { completing.withLock { _ = $0.remove(key) } } }
        do {
            let body = try body { [self] in
                guard completing.withLock({ $0.insert(key).inserted }) else { throw Taken() }
                claim.hold()
                if try await exists(key) { throw Taken() }
            }
            try await objects.write(key.name, size: size, body: body)
            return true
        } catch {
            if ErrorChain(error).first(Taken.self) != nil { return false }
            throw error
        }
    }

    /// Opens the newest cache whose key begins with `key`; an exact match has no priority over a newer one.
    /// - Throws: ``APIError`` of kind `notExist` with code `cacheDoesNotExist`.
    package func openNewest(_ key: CacheKey) async throws -> any ObjectReader {
        // Found and opened are two steps; what expired between them is as if it had not been found.
        for _ in 0..<3 {
            var newest: ObjectFacts?
            for try await facts in try objects.list(prefix: key.prefix, after: nil) where key.begins(facts.name) {
                if facts.modified >= newest?.modified ?? 0 { newest = facts }
            }
            guard let newest else { break }
            if let reader = try await open(newest.name) { return reader }
        }
        throw Self.missing
    }

    /// Opens the cache of exactly this key.
    /// - Throws: ``APIError`` of kind `notExist` with code `cacheDoesNotExist`.
    package func open(_ key: CacheKey) async throws -> any ObjectReader {
        guard let reader = try await open(key.name) else { throw Self.missing }
        return reader
    }

    private func open(_ name: String) async throws -> (any ObjectReader)? {
        do {
            return try await objects.open(name)
        } catch let error where ObjectStorageError.isNotExist(error) {
            return nil
        }
    }

    private static let missing = APIError(.notExist, code: "cacheDoesNotExist", "There is no such cache.")
}

/// Somebody else's cache was complete before.
private struct Taken: Error {}

/// Whether an upload has the right to become visible.
private final class Claim: Sendable {
    private let value = Atomic(false)

    var isHeld: Bool { value.load(ordering: .acquiring) }

    func hold() {
        value.store(true, ordering: .releasing)
    }
}
