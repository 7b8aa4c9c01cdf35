import Base
package import FoundationEssentials
package import HTTPTypes
package import Hummingbird
import NIOCore

/// The context of a request to an internal service.
package struct ServiceContext: RequestContext {
    /// What Hummingbird keeps for every request.
    package var coreContext: CoreRequestContextStorage

    /// Makes the context of a request that has arrived.
    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
    }
}

/// The routes of an internal service.
package typealias ServiceRouter = Router<ServiceContext>

extension Request {
    /// The body as JSON; the content type does not matter, as browsers send JSON as text.
    /// - Throws: ``APIError`` of kind `badRequest` when the body is too long, empty or of another shape.
    package func json<Value: Decodable>(_ type: Value.Type = Value.self, limit: Int = 1 << 20) async throws -> Value {
        let bytes = try await bytes(limit: limit)
        do {
            return try JSONCoding.decode(type, from: bytes)
        } catch {
            throw APIError(
                .badRequest,
                code: "invalidBody",
                "The request's body is not the JSON expected here.",
                cause: error
            )
        }
    }

    /// The whole body.
    /// - Throws: ``APIError`` of kind `badRequest` when the body is longer than `limit`.
    package func bytes(limit: Int) async throws -> [UInt8] {
        do {
            var buffer = try await body.collect(upTo: limit)
            return buffer.readBytes(length: buffer.readableBytes) ?? []
        } catch is NIOTooManyBytesError {
            throw APIError(.badRequest, code: "bodyTooLarge", "The request's body is larger than \(limit) bytes.")
        } catch let error as CancellationError {
            throw error
        } catch {
            throw APIError(.badRequest, code: "brokenBody", "The request's body did not arrive whole.", cause: error)
        }
    }

    /// A query parameter; nil when it is absent, empty when it stands there without a value.
    package func query(_ name: String) -> String? {
        queries(name).first
    }

    /// All values of a query parameter that may be repeated.
    package func queries(_ name: String) -> [String] {
        guard let query = uri.query else { return [] }
        return query.split(separator: "&").compactMap { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard PercentEncoding.decode(parts[0].replacing("+", with: " ")) == name else { return nil }
            return parts.count == 1 ? "" : PercentEncoding.decode(parts[1].replacing("+", with: " "))
        }
    }

    /// A query parameter that says yes or no; absent, `false` and `0` say no.
    /// - Throws: ``APIError`` of kind `badRequest` for any other value.
    package func flag(_ name: String) throws -> Bool {
        switch query(name) {
        case nil, "false", "0": return false
        case "", "true", "1": return true
        default: throw APIError(.badRequest, "The parameter \(name) is true or false.")
        }
    }

    /// A query parameter that is a whole number; nil when it is absent.
    /// - Throws: ``APIError`` of kind `badRequest` with `code` when the value is no number.
    package func integer(_ name: String, code: String? = nil) throws -> Int64? {
        guard let text = query(name) else { return nil }
        guard let number = Int64(text) else {
            throw APIError(.badRequest, code: code, "The parameter \(name) must be a whole number.")
        }
        return number
    }
}

extension RequestContext {
    /// A path variable, percent-decoded exactly once.
    /// - Throws: ``APIError`` of kind `badRequest` when it is not well encoded.
    package func pathVariable(_ name: String) throws -> String {
        guard let text = parameters.get(name), let decoded = PercentEncoding.decode(text) else {
            throw APIError(.badRequest, code: "invalidRef", "The path's part for \(name) is not well percent-encoded.")
        }
        return decoded
    }
}

extension Response {
    /// A JSON answer.
    package static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        json(text: try JSONCoding.encode(value), status: status)
    }

    /// An answer of JSON that is encoded already.
    package static func json(text: Data, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: text))
        )
    }

    /// An answer without a body.
    package static func empty(_ status: HTTPResponse.Status = .noContent) -> Response {
        Response(status: status)
    }
}
