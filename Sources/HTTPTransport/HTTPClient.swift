import Base

/// An HTTP client over TCP, TLS and Unix sockets.
///
/// One thread of its own drives all transfers; connections are reused. Any number of tasks may call at once. The thread ends
/// with ``shutdown()`` or when the client and the last of its replies are dropped.
public final class HTTPClient: Sendable {
    let loop: CurlLoop

    /// Starts the client.
    /// - Throws: ``Base/SystemError`` when the system has no thread or descriptor to give.
    public init(_ configuration: HTTPClientConfiguration = .init()) throws {
        loop = try CurlLoop(configuration)
    }

    deinit {
        loop.stop()
    }

    /// Sends a request and returns as soon as the head of the answer is there.
    ///
    /// A streamed request body has been sent by then, unless the server refused it with a status of 300 or more. Requests
    /// whose method is not idempotent are never repeated; others may be when a reused connection turns out to be dead.
    /// - Throws: ``HTTPTransportError``, or `CancellationError` when the task was cancelled.
    public func send(_ call: HTTPCall, file: String = #fileID, line: Int = #line) async throws -> HTTPReply {
        let request = try CurlRequest(call, site: Site(file: file, line: line))
        let transfer = CurlTransfer(request, on: loop)
        let head = try await transfer.exchange(sending: call.body)
        return HTTPReply(head, body: HTTPReplyBody(transfer, of: self), limit: call.responseLimit)
    }

    /// Sends a request whose answer nobody waits for, as the last word of a task that was cancelled.
    ///
    /// It returns at once, and carries no streamed body. Whether the request arrives is not known; without a deadline it gets a minute.
    public func dispatch(_ call: HTTPCall, file: String = #fileID, line: Int = #line) {
        var call = call
        call.deadline = call.deadline ?? .after(.seconds(60))
        if case .stream = call.body { preconditionFailure("nobody would produce the body") }
        do throws(HTTPTransportError) {
            loop.post(.start(CurlTransfer(try CurlRequest(call, site: Site(file: file, line: line)), on: loop)))
        } catch {
            // A malformed call is sent by nobody, as one that is lost on its way.
        }
    }

    /// Ends the thread, and with an error of kind `closed` all transfers.
    ///
    /// It returns at once; calling it again does nothing.
    public func shutdown() {
        loop.stop()
    }
}
