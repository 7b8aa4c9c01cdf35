import Base
import ObjectStorage
import Synchronization
import TestSupport

/// An object storage whose calls take their time, and sometimes fail with or without effect, as the seed wants.
struct UnsteadyObjects: ObjectStore {
    private final class Mood: Sendable {
        let random: Mutex<SeededGenerator>
        let isCalm = Mutex(false)

        init(_ seed: UInt64) {
            random = Mutex(SeededGenerator(seed: seed))
        }
    }

    private let real: any ObjectStore
    private let mood: Mood

    init(_ real: any ObjectStore, seed: UInt64) {
        self.real = real
        mood = Mood(seed)
    }

    /// From now on everything works at once.
    func calmDown() {
        mood.isCalm.withLock { $0 = true }
    }

    func write<Body: AsyncSequence & Sendable>(_ name: String, size: Int64?, body: Body) async throws -> Int64
    where Body.Element == [UInt8] {
        try await unsteady(name) { try await real.write(name, size: size, body: body) }
    }

    func adopt(file path: String, as name: String) async throws {
        try await unsteady(name) { try await real.adopt(file: path, as: name) }
    }

    // One by one, so that some may be done when another one fails.
    func adopt(files: [(path: String, name: String)]) async throws {
        for file in files { try await adopt(file: file.path, as: file.name) }
    }

    func open(_ name: String) async throws -> any ObjectReader { try await real.open(name) }

    func stat(_ name: String) async throws -> ObjectFacts { try await real.stat(name) }

    func delete(_ name: String) async throws -> Bool? {
        try await unsteady(name) { try await real.delete(name) }
    }

    func list(prefix: String, after: String?) throws -> ObjectListing {
        let listing = try real.list(prefix: prefix, after: after)
        return ObjectListing {
            let next = Walk(listing.makeAsyncIterator())
            return {
                try await pause()
                return try await next.next()
            }
        }
    }

    private actor Walk {
        private var iterator: ObjectListing.Iterator?

        init(_ iterator: ObjectListing.Iterator) {
            self.iterator = iterator
        }

        func next() async throws -> ObjectFacts? {
            guard var walk = iterator else { return nil }
            let facts = try await walk.next()
            iterator = walk
            return facts
        }
    }

    private func unsteady<Value>(_ name: String, _ body: () async throws -> Value) async throws -> Value {
        try await pause()
        if fails() { throw ObjectStorageError(.unavailable, name: name, "the seed wants it so") }
        let value = try await body()
        if fails() { throw ObjectStorageError(.unavailable, name: name, "the seed wants the answer lost") }
        try await pause()
        return value
    }

    private func fails() -> Bool {
        !mood.isCalm.withLock { $0 } && mood.random.withLock { Int.random(in: 0..<40, using: &$0) == 0 }
    }

    private func pause() async throws {
        guard !mood.isCalm.withLock({ $0 }) else { return }
        let microseconds = mood.random.withLock { Int.random(in: 0..<2_000, using: &$0) }
        if microseconds < 1_000 { try await Task.sleep(for: .microseconds(microseconds)) }
    }
}
