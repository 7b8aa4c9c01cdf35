package import Base
package import HTTPTransport
import HTTPTypes

/// Objects in a bucket of any S3.
///
/// What fits into a part is sent in one request, larger objects part by part, so that the memory does not depend on their size.
/// Every body carries its digests, and every answer is checked against what was sent. Requests that may be repeated are, with
/// growing random pauses, when the connection breaks or the server is overloaded.
package struct S3Store: ObjectStore {
    let connection: S3Connection
    let pool: BlockingPool

    /// Opens a bucket, making it when it is missing, and ends the uploads that were abandoned more than a day ago.
    /// - Parameters:
    ///   - configuration: where it is.
    ///   - prefix: only uploads of names that begin with it are ended, as others may share the bucket.
    ///   - client: sends the requests; by default one of the store's own.
    ///   - limits: sizes and patience.
    ///   - pool: reads the files that are adopted.
    /// - Returns: the store.
    /// - Throws: ``ObjectStorageError`` of kind unavailable.
    @concurrent package static func open(
        _ configuration: S3Configuration,
        prefix: String = "",
        client: HTTPClient? = nil,
        limits: S3Limits = S3Limits(),
        pool: BlockingPool = .shared
    ) async throws -> S3Store {
        let connection = try S3Connection(
            configuration,
            client: try client ?? makeClient(for: configuration),
            limits: limits
        )
        let store = S3Store(connection: connection, pool: pool)
        try await S3Bucket(connection: connection).create(in: configuration.location)
        try await S3Uploads(connection: connection).endAbandoned(prefix: prefix)
        return store
    }

    private static func makeClient(for configuration: S3Configuration) throws -> HTTPClient {
        var connecting = HTTPClientConfiguration()
        connecting.certificateAuthorityFile = configuration.certificateAuthorityFile
        do {
            return try HTTPClient(connecting)
        } catch {
            throw ObjectStorageError(.unavailable, name: configuration.bucket, "start the HTTP client", cause: error)
        }
    }

    /// Writes an object from the chunks of `body`.
    @concurrent @discardableResult
    package func write<Body: AsyncSequence & Sendable>(_ name: String, size: Int64?, body: Body) async throws -> Int64
    where Body.Element == [UInt8] {
        try ObjectName.check(name)
        if let size, size > connection.limits.objectSize { throw tooLarge(name) }
        let chunks = body.makeAsyncIterator()
        var parts = BodyParts(of: chunks, wanting: size, partSize: connection.limits.partSize, name: name)
        let first = try await parts.next() ?? []
        if try await parts.isOver() {
            try Self.check(first.count, size, name)
            try Task.checkCancellation()
            try await put(first, as: name)
            return Int64(first.count)
        }
        return try await upload(first, then: &parts, size: size, as: name)
    }

    private func put(_ bytes: [UInt8], as name: String) async throws {
        let request = S3Request(.put, name, body: bytes)
        let answer = try await connection.send(request, about: name)
        try S3Uploads.check(answer, against: S3Uploads.digest(of: bytes), name)
    }

    private func upload<Chunks: AsyncIteratorProtocol>(
        _ first: [UInt8],
        then parts: inout BodyParts<Chunks>,
        size: Int64?,
        as name: String
    ) async throws -> Int64 where Chunks.Element == [UInt8] {
        var upload = try await S3Uploads(connection: connection).begin(name)
        do {
            var part: [UInt8]? = first
            while let bytes = part {
                guard upload.partCount < connection.limits.partCount else { throw tooLarge(name) }
                try await upload.send(bytes)
                part = try await parts.next()
            }
            try Self.check(Int(upload.size), size, name)
            try Task.checkCancellation()
            try await upload.complete()
            return upload.size
        } catch {
            await upload.abort()
            throw error
        }
    }

    private static func check(_ count: Int, _ size: Int64?, _ name: String) throws(ObjectStorageError) {
        guard let size, count < size else { return }
        throw ObjectStorageError(.shortWrite, name: name, "expected \(size) bytes, got \(count)")
    }

    private func tooLarge(_ name: String) -> ObjectStorageError {
        ObjectStorageError(.tooLarge, name: name, "at most \(connection.limits.objectSize) bytes fit into an object")
    }

    /// Sends a local file and then removes it.
    @concurrent package func adopt(file path: String, as name: String) async throws {
        try ObjectName.check(name)
        let source = try await pool.run { try PosixFiles.source(path, as: name, pool: pool) }
        try await write(name, size: source.size, body: source.chunks())
        try await pool.run {
            do {
                try PosixFiles.remove(path)
            } catch let error as SystemError {
                throw PosixFiles.wrapped(error, name: name)
            }
        }
    }

    /// Opens an object for reading.
    @concurrent package func open(_ name: String) async throws -> any ObjectReader {
        let (facts, tag) = try await look(name)
        return S3ObjectReader(connection: connection, name: name, size: facts.size, tag: tag)
    }

    /// Size and time of an object.
    @concurrent package func stat(_ name: String) async throws -> ObjectFacts {
        try await look(name).facts
    }

    private func look(_ name: String) async throws -> (facts: ObjectFacts, tag: String?) {
        try ObjectName.check(name)
        let answer = try await connection.send(S3Request(.head, name), about: name)
        return (try answer.facts(of: name), answer.tag)
    }

    /// Removes an object; S3 does not tell whether there was one.
    @concurrent @discardableResult
    package func delete(_ name: String) async throws -> Bool? {
        try ObjectName.check(name)
        _ = try await connection.send(S3Request(.delete, name), about: name, expecting: [404])
        return nil
    }

    /// The objects whose names begin with `prefix`, in order, page by page.
    package func list(prefix: String, after: String?) throws -> ObjectListing {
        try ObjectName.check(prefix: prefix, after: after)
        return ObjectListing { [connection] in
            let walk = S3Walk(connection: connection, prefix: prefix, after: after)
            return { try await walk.next() }
        }
    }
}

extension S3Limits {
    /// The most bytes of an object: 78 GiB by default.
    var objectSize: Int64 { Int64(partSize) * Int64(partCount) }
}
