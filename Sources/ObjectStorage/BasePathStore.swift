/// The part of a store whose names begin with one path, so that several services may share a bucket or a directory.
package struct BasePathStore: ObjectStore {
    private let store: any ObjectStore
    /// The path with a slash at its end.
    private let base: String

    /// Takes the part of `store` below `path`, which is the name of no object.
    /// - Throws: ``ObjectStorageError`` of kind invalidName when the path is none.
    package init(_ store: any ObjectStore, path: String) throws {
        try ObjectName.check(path)
        self.store = store
        base = path + "/"
    }

    /// Writes an object below the path.
    @concurrent @discardableResult
    package func write<Body: AsyncSequence & Sendable>(_ name: String, size: Int64?, body: Body) async throws -> Int64
    where Body.Element == [UInt8] {
        try await store.write(base + name, size: size, body: body)
    }

    /// Makes a local file an object below the path.
    @concurrent package func adopt(file path: String, as name: String) async throws {
        try await store.adopt(file: path, as: base + name)
    }

    /// Makes local files objects below the path.
    @concurrent package func adopt(files: [(path: String, name: String)]) async throws {
        try await store.adopt(files: files.map { ($0.path, base + $0.name) })
    }

    /// Opens an object below the path.
    @concurrent package func open(_ name: String) async throws -> any ObjectReader {
        try await store.open(base + name)
    }

    /// Size and time of an object below the path.
    @concurrent package func stat(_ name: String) async throws -> ObjectFacts {
        stripped(try await store.stat(base + name))
    }

    /// Removes an object below the path.
    @concurrent @discardableResult
    package func delete(_ name: String) async throws -> Bool? {
        try await store.delete(base + name)
    }

    /// The objects below the path whose names go on with `prefix`.
    package func list(prefix: String, after: String?) throws -> ObjectListing {
        let listing = try store.list(prefix: base + prefix, after: after.map { base + $0 })
        return ObjectListing { [self] in
            let next = listing.advance()
            return { try await next().map(stripped) }
        }
    }

    private func stripped(_ facts: ObjectFacts) -> ObjectFacts {
        let name = String(decoding: facts.name.utf8.dropFirst(base.utf8.count), as: UTF8.self)
        return ObjectFacts(name: name, size: facts.size, modified: facts.modified)
    }
}
