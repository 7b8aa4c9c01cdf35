import Base
import Hummingbird
import NIOCore
import Synchronization

/// The body of an upload as an object's: bounded, and checked once more before its last byte is handed on.
///
/// What the check or the bound throws keeps the object from becoming visible.
struct UploadBody: AsyncSequence, Sendable {
    let body: RequestBody
    /// How many bytes the caller announced; nil when it did not.
    let announced: Int64?
    let limit: Int64
    let check: @Sendable () async throws -> Void

    /// Takes a request's body.
    /// - Parameters:
    ///   - request: the upload.
    ///   - limit: the most bytes that are taken.
    ///   - check: throws when the object must not become visible.
    /// - Throws: ``APIError`` when more is announced than is taken.
    init(_ request: Request, limit: Int64, check: @escaping @Sendable () async throws -> Void) throws {
        body = request.body
        announced = Self.announced(by: request)
        self.limit = limit
        self.check = check
        if let announced, announced > limit { throw Self.tooLarge(limit) }
    }

    /// How many bytes an upload announces; nil when it does not say.
    static func announced(by request: Request) -> Int64? {
        request.headers[.contentLength].flatMap { Int64($0) }
    }

    func makeAsyncIterator() -> Iterator {
        Iterator(upload: self, chunks: body.makeAsyncIterator())
    }

    struct Iterator: AsyncIteratorProtocol {
        let upload: UploadBody
        var chunks: RequestBody.AsyncIterator
        var taken: Int64 = 0

        @concurrent mutating func next() async throws -> [UInt8]? {
            guard var buffer = try await chunks.next() else {
                if taken != upload.announced { try await upload.check() }
                return nil
            }
            let bytes = buffer.readBytes(length: buffer.readableBytes) ?? []
            taken += Int64(bytes.count)
            guard taken <= upload.limit else { throw UploadBody.tooLarge(upload.limit) }
            if taken == upload.announced { try await upload.check() }
            return bytes
        }
    }

    private static func tooLarge(_ limit: Int64) -> APIError {
        APIError(.badRequest, code: "bodyTooLarge", "An archive has at most \(limit) bytes.")
    }
}
