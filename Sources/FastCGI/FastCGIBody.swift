import Base
import HTTPTypes
import Hummingbird
import NIOCore

/// The body of a request that has not arrived whole: it is read when the handler asks for more, so that a slow handler slows
/// the sender down.
struct FastCGIBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let exchange: FastCGIExchange
    let pool: BlockingPool
    let limit: Int?

    struct AsyncIterator: AsyncIteratorProtocol {
        let body: FastCGIBody
        var count = 0

        mutating func next() async throws -> ByteBuffer? {
            let exchange = body.exchange
            guard let buffer = try await body.pool.run({ try exchange.read() }) else { return nil }
            count += buffer.readableBytes
            if let limit = body.limit, count > limit { throw HTTPError(.contentTooLarge) }
            return buffer
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(body: self)
    }
}

/// Writes a response body; FastCGI has no trailers, so they are dropped.
struct FastCGIBodyWriter: ResponseBodyWriter {
    let connection: FastCGIConnection
    let exchange: FastCGIExchange
    /// Whether every write goes to the client at once.
    let isStream: Bool

    mutating func write(_ buffer: ByteBuffer) async throws {
        try await connection.write(buffer, through: exchange)
        if isStream { try await connection.flush(exchange) }
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
