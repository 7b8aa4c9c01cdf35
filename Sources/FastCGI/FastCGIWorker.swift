import Base
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// Serves the requests of one connection after the other.
struct FastCGIWorker<Responder: HTTPResponder>: Sendable where Responder.Context: TransportRequestContext {
    let configuration: FastCGIConfiguration
    let responder: Responder
    let registry: ConnectionRegistry
    let pool: BlockingPool
    let logger: Logger

    /// Serves a connection until either side ends it.
    ///
    /// When the web server goes away, the running handler is cancelled.
    func serve(_ connection: FastCGIConnection) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await withTaskCancellationHandler {
                    await serveRequests(of: connection)
                } onCancel: {
                    connection.stopReading()
                }
                connection.end.ring()
            }
            try? await connection.end.wait(beyond: 0)  // cancelled from above: the group is, too
            group.cancelAll()
        }
        registry.remove(connection)
        connection.close()
    }

    private func serveRequests(of connection: FastCGIConnection) async {
        do {
            var isFirst = true
            while let bodyIsComplete = try await nextHead(on: connection, isFirst: isFirst) {
                let exchange = try connection.makeExchange()
                let isReusable = try await answer(exchange, bodyIsComplete: bodyIsComplete, on: connection)
                guard isReusable, !registry.isDraining else { return }
                connection.renewCredit()
                isFirst = false
            }
        } catch {
            let isCancelled = Task.isCancelled || ErrorChain(error).isCancellation
            if !isCancelled { logger.debug("connection failed", error: error) }
        }
    }

    /// Waits for a whole head; nil when the connection is over.
    private func nextHead(on connection: FastCGIConnection, isFirst: Bool) async throws -> Bool? {
        var deadline = isFirst ? Deadline.after(configuration.patience) : nil
        while true {
            let seen = connection.input.count
            switch connection.peek(limit: configuration.parameterLimit) {
            case .end: return nil
            case .head(.complete(let bodyIsComplete)): return bodyIsComplete
            case .head(.refused(let reason)):
                logger.warning("malformed request was refused", metadata: ["reason": "\(reason)"])
                return nil
            case .head(.incomplete): deadline = deadline ?? Deadline.after(configuration.patience)
            case .nothing: if registry.isDraining { return nil }
            }
            if let deadline {
                guard try await connection.input.wait(beyond: seen, until: deadline) else { return nil }
            } else {
                try await connection.input.wait(beyond: seen)
            }
        }
    }

    /// Answers one request.
    /// - Returns: whether the connection may carry another one.
    private func answer(
        _ exchange: FastCGIExchange,
        bodyIsComplete: Bool,
        on connection: FastCGIConnection
    ) async throws -> Bool {
        let response = try await response(to: exchange, bodyIsComplete: bodyIsComplete)
        try await send(response, through: exchange, on: connection)
        guard !bodyIsComplete else { return exchange.keepsConnection }
        let deadline = Deadline.after(configuration.patience)
        let isDrained = try await pool.run { exchange.drain(until: deadline) }
        return isDrained && exchange.keepsConnection
    }

    private func response(to exchange: FastCGIExchange, bodyIsComplete: Bool) async throws -> Response {
        let head: RequestHead
        switch exchange.head {
        case .failure(let error): return .refusal(.badRequest, code: error.code, error.message)
        case .success(let value): head = value
        }
        let whole = bodyIsComplete ? try exchange.readAll() : nil
        if let limit = configuration.bodyLimit, max(head.contentLength ?? 0, whole?.readableBytes ?? 0) > limit {
            return .refusal(.contentTooLarge, code: "bodyTooLarge", "The body is larger than \(limit) bytes.")
        }
        let body = whole.map(RequestBody.init(buffer:)) ?? self.body(of: exchange)
        let request = Request(head: head.request, body: body)
        var logger = logger
        logger[metadataKey: "hb.request.id"] = .stringConvertible(RequestID())
        return try await withLogger(logger) { logger in
            let source = TransportContextSource(logger: logger, remoteAddress: head.remoteAddress, scheme: head.scheme)
            do {
                return try await responder.respond(to: request, context: Responder.Context(transport: source))
            } catch {
                if Task.isCancelled { throw error }
                logger.error("request failed", error: error)
                return .refusal(.internalServerError, code: ErrorKind.internal.rawValue, "Something went wrong.")
            }
        }
    }

    private func body(of exchange: FastCGIExchange) -> RequestBody {
        RequestBody(asyncSequence: FastCGIBody(exchange: exchange, pool: pool, limit: configuration.bodyLimit))
    }

    /// Sends a response: as it is written when its length is unknown, otherwise as few writes as possible.
    private func send(
        _ response: Response,
        through exchange: FastCGIExchange,
        on connection: FastCGIConnection
    ) async throws {
        let isStream = response.body.contentLength == nil
        try await connection.write(ByteBuffer(string: response.head.cgiText), through: exchange)
        if isStream { try await connection.flush(exchange) }
        do {
            try await response.body.write(
                FastCGIBodyWriter(connection: connection, exchange: exchange, isStream: isStream)
            )
        } catch {
            connection.breakOff(exchange)
            throw error
        }
        try await connection.finish(exchange)
    }
}

extension HTTPResponse {
    /// The head as CGI has it: the status as a field, then the others (RFC 3875, section 6.3).
    ///
    /// Its length is a multiple of eight, so that its record needs no padding: nginx passes the head of an unbuffered
    /// response on at once only when nothing follows it, and takes padding for something.
    fileprivate var cgiText: String {
        var text = "\(status.code) \(status.reasonPhrase)\r\n"
        for field in headerFields { text += "\(field.name.rawName): \(field.value)\r\n" }
        text += "\r\n"
        let name = "Status:"
        let spaces = 8 - (name.utf8.count + text.utf8.count) % 8
        return name + String(repeating: " ", count: spaces) + text
    }
}

extension Response {
    /// An answer of the transport itself, in the shape that the gateway's own errors have.
    fileprivate static func refusal(_ status: HTTPResponse.Status, code: String, _ message: String) -> Response {
        let body = #"[{"code":"\#(code)","message":"\#(message)","details":{}}]"#
        return Response(
            status: status,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: body))
        )
    }
}
