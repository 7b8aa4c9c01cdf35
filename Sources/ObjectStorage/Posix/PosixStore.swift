package import Base
import Glibc

/// Objects as files of a local or shared directory, each under `data` at the path that the layout gives its name.
///
/// A file is written in `tmp`, synced, renamed into place, and every directory on the way is synced. Directories that
/// become empty are removed. Files have mode 0600, directories 0700.
package struct PosixStore: ObjectStore {
    let data: String
    let temporary: String
    let layout: PosixLayout
    let pool: BlockingPool

    /// Opens the store in `path`, creating it if need be, and removes what interrupted writes left behind.
    /// - Throws: ``ObjectStorageError`` of kind unavailable.
    @concurrent package static func open(
        path: String,
        layout: PosixLayout = .tree,
        pool: BlockingPool = .shared
    ) async throws -> PosixStore {
        do {
            let store = PosixStore(data: "\(path)/data", temporary: "\(path)/tmp", layout: layout, pool: pool)
            try await pool.run {
                try PosixFiles.makeDurableDirectories(store.data)
                try PosixFiles.makeDurableDirectories(store.temporary)
                try PosixFiles.removeAbandoned(in: store.temporary, olderThan: 24 * 3600)
            }
            return store
        } catch let error as SystemError {
            throw ObjectStorageError(.unavailable, name: path, "open the object store", cause: error)
        }
    }

    /// Writes an object from the chunks of `body`.
    @concurrent @discardableResult
    package func write<Body: AsyncSequence & Sendable>(_ name: String, size: Int64?, body: Body) async throws -> Int64
    where Body.Element == [UInt8] {
        try ObjectName.check(name)
        let file = try await run(name) { try PosixTemporaryFile(directory: temporary) }
        do {
            let written = try await copy(body, limit: size, to: file, name: name)
            if let size, written < size {
                throw ObjectStorageError(.shortWrite, name: name, "expected \(size) bytes, got \(written)")
            }
            try Task.checkCancellation()
            let place = layout.path(of: name)
            try await run(name) { try PosixFiles.place(file.path, data: data, at: place, descriptor: file.descriptor) }
            return written
        } catch {
            file.discard()
            throw error
        }
    }

    private func copy<Body: AsyncSequence & Sendable>(
        _ body: Body,
        limit: Int64?,
        to file: PosixTemporaryFile,
        name: String
    ) async throws -> Int64 where Body.Element == [UInt8] {
        var written: Int64 = 0
        if limit == 0 { return 0 }
        var chunks = body.makeAsyncIterator()
        while var chunk = try await Self.next(&chunks, name: name) {
            if let limit, Int64(chunk.count) > limit - written { chunk.removeLast(chunk.count - Int(limit - written)) }
            let bytes = chunk
            try await run(name) {
                try FailPoint.objectWrite.write(bytes.count) {
                    try AtomicFile.writeAll(Array(bytes.prefix($0)), to: file.descriptor, path: file.path)
                }
            }
            written += Int64(bytes.count)
            if let limit, written == limit { break }
        }
        return written
    }

    private static func next<Chunks: AsyncIteratorProtocol>(
        _ chunks: inout Chunks,
        name: String
    ) async throws -> Chunks.Element? {
        do {
            return try await chunks.next(isolation: #isolation)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw Failure("read the body of object \(name)", cause: error)
        }
    }

    /// Moves a local file in; across file systems it is copied.
    @concurrent package func adopt(file path: String, as name: String) async throws {
        try await adopt(files: [(path, name)])
    }

    /// Moves local files in; across file systems they are copied.
    ///
    /// The disk is waited for twice: for all files at once, then for all directories. Syncs that run side by side share one commit of
    /// the file system's journal.
    @concurrent package func adopt(files: [(path: String, name: String)]) async throws {
        for file in files { try ObjectName.check(file.name) }
        let moved = try await withThrowingTaskGroup(of: Set<String>.self) { group in
            for (path, name) in files {
                group.addTask {
                    let place = layout.path(of: name)
                    let directories = try await run(name) {
                        try PosixFiles.adopt(path, data: data, at: place, name: name)
                    }
                    if let directories { return directories }
                    try await copy(path, as: name)
                    return []
                }
            }
            return try await group.reduce(into: Set()) { $0.formUnion($1) }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for directory in moved {
                group.addTask { try await run(directory) { try AtomicFile.sync(directory: directory) } }
            }
            try await group.waitForAll()
        }
    }

    private func copy(_ path: String, as name: String) async throws {
        let source = try await run(name) { try PosixFiles.source(path, as: name, pool: pool) }
        try await write(name, size: source.size, body: source.chunks())
        try await run(name) { try PosixFiles.remove(path) }
    }

    /// Opens an object for reading.
    @concurrent package func open(_ name: String) async throws -> any ObjectReader {
        try ObjectName.check(name)
        return try await run(name) { try PosixObjectReader(path: path(of: name), name: name, pool: pool) }
    }

    /// Size and time of an object.
    @concurrent package func stat(_ name: String) async throws -> ObjectFacts {
        try ObjectName.check(name)
        return try await run(name) {
            guard let facts = try PosixFiles.facts(path(of: name), name: name) else {
                throw ObjectStorageError(.notExist, name: name)
            }
            return facts
        }
    }

    /// Removes an object and the directories that become empty.
    @concurrent @discardableResult
    package func delete(_ name: String) async throws -> Bool? {
        try ObjectName.check(name)
        return try await run(name) { try PosixFiles.delete(path(of: name), data: data) }
    }

    /// The objects whose names begin with `prefix`, in order.
    package func list(prefix: String, after: String?) throws -> ObjectListing {
        try ObjectName.check(prefix: prefix, after: after)
        return ObjectListing { [self] in
            let walk = PosixWalk(data: data, layout: layout, prefix: prefix, after: after)
            return { try await run(prefix) { try walk.next() } }
        }
    }

    private func path(of name: String) -> String {
        "\(data)/\(layout.path(of: name))"
    }

    /// Runs blocking calls on the pool and wraps what the system refuses.
    private func run<Value: Sendable>(
        _ name: String,
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        do {
            return try await pool.run(body)
        } catch let error as SystemError {
            throw PosixFiles.wrapped(error, name: name)
        }
    }
}
