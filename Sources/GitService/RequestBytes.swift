import Base
import Hummingbird
import NIOCore

/// The body of a request to git: unpacked, bounded, and handed from the task that reads its head to the one that feeds git.
actor RequestBytes {
    private var iterator: RequestBody.AsyncIterator
    private let decoder: GzipDecoder?
    private let limit: Int
    private var packed: ArraySlice<UInt8> = []
    private var returned: [UInt8] = []
    private var count = 0

    /// Reads `body`.
    /// - Parameters:
    ///   - body: what is read.
    ///   - encoding: the request's `Content-Encoding`.
    ///   - limit: the most bytes, after unpacking.
    /// - Throws: ``APIError`` of kind `badRequest` for an encoding other than gzip.
    init(_ body: sending RequestBody, encoding: String?, limit: Int) throws {
        iterator = body.makeAsyncIterator()
        self.limit = limit
        switch encoding?.lowercased() {
        case nil, "identity": decoder = nil
        case "gzip", "x-gzip": decoder = try GzipDecoder(limit: limit)
        default: throw APIError(.badRequest, code: "invalidEncoding", "A body may be encoded as gzip or not at all.")
        }
    }

    /// The next bytes, at least one; nil at the end.
    /// - Throws: ``APIError`` of kind `badRequest` when the body is broken or too large.
    func next() async throws -> [UInt8]? {
        if !returned.isEmpty {
            defer { returned = [] }
            return returned
        }
        guard let decoder else { return try await nextPlain() }
        while true {
            let piece = try unpack(with: decoder)
            if !piece.isEmpty { return piece }
            guard let more = try await receive() else {
                guard decoder.isAtEnd else { throw Self.broken(nil) }
                return nil
            }
            packed += more
        }
    }

    /// Makes `bytes` the next ones again.
    func giveBack(_ bytes: [UInt8]) {
        returned = bytes
    }

    private func nextPlain() async throws -> [UInt8]? {
        guard let bytes = try await receive() else { return nil }
        count += bytes.count
        guard count <= limit else { throw Self.tooLarge(limit) }
        return bytes
    }

    private func unpack(with decoder: GzipDecoder) throws -> [UInt8] {
        do {
            return try decoder.next(from: &packed)
        } catch .tooLarge {
            throw Self.tooLarge(limit)
        } catch {
            throw Self.broken(error)
        }
    }

    private func receive() async throws -> [UInt8]? {
        do {
            while true {
                var iterator = iterator
                let received = try await iterator.next(isolation: self)
                self.iterator = iterator
                guard var buffer = received else { return nil }
                if let bytes = buffer.readBytes(length: buffer.readableBytes), !bytes.isEmpty { return bytes }
            }
        } catch let error as CancellationError {
            throw error
        } catch {
            throw Self.broken(error)
        }
    }

    private static func tooLarge(_ limit: Int) -> APIError {
        APIError(.badRequest, code: "bodyTooLarge", "The request is larger than \(limit) bytes.")
    }

    private static func broken(_ cause: (any Error)?) -> APIError {
        APIError(.badRequest, code: "brokenBody", "The request's body did not arrive whole.", cause: cause)
    }
}
