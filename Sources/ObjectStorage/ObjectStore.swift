/// Named immutable objects: logs, archives, caches; in the cluster also what the data manager writes.
///
/// Contract of every implementation:
/// - **Names** follow ``ObjectName``; others are refused with `invalidName` before anything is touched. Callers treat names as a
///   hierarchy: where directories hold the objects, one cannot also be the parent of others (`clash`).
/// - **Writes are whole.** An object appears complete or not at all; writing a name again replaces it whole, and a reader
///   that has the old one open keeps it or throws `replaced`, and never gets a mix. A body shorter than its size throws
///   `shortWrite`; of a longer one the rest is left unread. A write that throws or is cancelled leaves nothing; only where the
///   answer of a server was lost, the whole object may be there.
/// - **Writes last.** When `write` or `adopt` returns, the object survives a power loss.
/// - **Order.** `list` yields names in ascending order of their bytes, each at most once. Objects written or deleted
///   meanwhile may be missed or listed.
/// - `open` and `stat` throw `notExist` for a name without an object, also when other names continue it.
/// - **Deleting** what does not exist succeeds.
/// - Every call may be cancelled.
///
/// Errors are ``ObjectStorageError`` or `CancellationError`; what the body throws is wrapped into ``Failure``.
package protocol ObjectStore: Sendable {
    /// Writes an object from the chunks of `body`; without a size, all of them.
    /// - Returns: the bytes written.
    @concurrent @discardableResult
    func write<Body: AsyncSequence & Sendable>(_ name: String, size: Int64?, body: Body) async throws -> Int64
    where Body.Element == [UInt8]

    /// Makes a local file the object: moves it where possible, otherwise copies it and removes the original.
    ///
    /// The file must be regular and no longer written to. When this throws, the file is still there.
    @concurrent func adopt(file path: String, as name: String) async throws

    /// Makes several local files objects, with fewer waits for the disk than one by one.
    ///
    /// When this throws, some of them may be objects already; the files of the others are still there.
    @concurrent func adopt(files: [(path: String, name: String)]) async throws

    /// Opens an object for reading; what it holds does not change while the reader lives.
    /// - Throws: ``ObjectStorageError`` of kind notExist here, not at the first read.
    @concurrent func open(_ name: String) async throws -> any ObjectReader

    /// Size and time of an object.
    /// - Throws: ``ObjectStorageError`` of kind notExist.
    @concurrent func stat(_ name: String) async throws -> ObjectFacts

    /// Removes an object; durable when this returns, also when it was gone already.
    /// - Returns: whether it existed; nil where the backend cannot tell.
    @concurrent @discardableResult
    func delete(_ name: String) async throws -> Bool?

    /// The objects whose names begin with `prefix`, those after `after` only.
    ///
    /// The prefix may end within a segment and may be empty. `after` is exclusive and must begin with the prefix.
    func list(prefix: String, after: String?) throws -> ObjectListing
}

extension ObjectStore {
    /// One by one, where nothing is to be gained.
    @concurrent package func adopt(files: [(path: String, name: String)]) async throws {
        for file in files { try await adopt(file: file.path, as: file.name) }
    }

    /// Writes an object that is in memory.
    @concurrent package func write(_ name: String, bytes: [UInt8]) async throws {
        try await write(name, size: Int64(bytes.count), body: SingleChunk(chunk: bytes))
    }

    /// Reads a whole object into memory.
    /// - Throws: ``ObjectStorageError`` of kind tooLarge when it has more than `limit` bytes.
    @concurrent package func read(_ name: String, limit bytes: Int64) async throws -> [UInt8] {
        let reader = try await open(name)
        guard reader.size <= bytes else {
            throw ObjectStorageError(.tooLarge, name: name, "it has \(reader.size) bytes; at most \(bytes) are wanted")
        }
        return try await reader.read(0..<reader.size)
    }

    /// Whether an object exists.
    @concurrent package func exists(_ name: String) async throws -> Bool {
        do {
            _ = try await stat(name)
            return true
        } catch  where ObjectStorageError.isNotExist(error) {
            return false
        }
    }
}

/// What is known of an object without reading it.
package struct ObjectFacts: Sendable, Hashable {
    /// The object's name.
    package let name: String
    /// Its size in bytes.
    package let size: Int64
    /// Seconds since 1970 when it was written.
    package let modified: Double

    /// Makes facts from their parts.
    package init(name: String, size: Int64, modified: Double) {
        self.name = name
        self.size = size
        self.modified = modified
    }
}

/// An object in memory as a body.
private struct SingleChunk: AsyncSequence, Sendable {
    let chunk: [UInt8]

    struct Iterator: AsyncIteratorProtocol {
        var chunk: [UInt8]?

        mutating func next() async -> [UInt8]? {
            defer { chunk = nil }
            return chunk
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(chunk: chunk) }
}
