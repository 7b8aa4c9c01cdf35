import Base

/// One request on its way: what the caller and the loop thread share.
///
/// All mutable state is in the two channels. libcurl's handle belongs to the loop thread and is no part of it.
final class CurlTransfer: Sendable {
    let request: CurlRequest
    let response = ResponseChannel()
    let upload: UploadChannel?
    private let loop: CurlLoop

    init(_ request: CurlRequest, on loop: CurlLoop) {
        self.request = request
        self.loop = loop
        upload = if case .stream(let length) = request.payload { UploadChannel(length: length) } else { nil }
    }

    /// Starts the transfer and waits for the response head; the body stream, if any, has ended then.
    func exchange(sending body: HTTPBody) async throws -> ResponseHead {
        try await withTaskCancellationHandler {
            try Task.checkCancellation()
            guard loop.post(.start(self)) else { throw request.error(.closed, "the HTTP client was shut down") }
            guard case .stream(_, let stream) = body, let upload else { return try await response.head() }
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await self.pump(stream, into: upload) }
                group.addTask { await upload.waitForEnd() }
                return try await finishExchange(upload, producer: &group)
            }
        } onCancel: {
            abort(CancellationError())
        }
    }

    /// The next bytes of the response body, nil at its end.
    func nextBytes() async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            let chunk = try await response.next()
            if chunk.mayResume { resumeReceiving() }
            return chunk.bytes
        } onCancel: {
            abort(CancellationError())
        }
    }

    /// Goes on after a pause: the reader has made room.
    func resumeReceiving() {
        loop.post(.resumeReceiving(self))
    }

    /// Ends both directions, on the loop's side.
    func finish(_ result: Result<Void, any Error>) {
        response.finish(result)
        upload?.close()
    }

    /// Breaks the transfer off, unless it is over.
    func abort(_ error: any Error) {
        guard response.abort(error) else { return }
        upload?.close()
        loop.post(.end(self))
    }

    /// A server that refuses before it has read the whole body will not read the rest.
    private func finishExchange(
        _ upload: UploadChannel,
        producer: inout ThrowingTaskGroup<Void, any Error>
    ) async throws -> ResponseHead {
        let head = try await response.head()
        if head.status >= 300 {
            upload.close()
            producer.cancelAll()
        }
        // A producer that waits for something itself learns only by this that nobody wants it any more.
        while try await producer.next() != nil {
            if upload.isClosed { producer.cancelAll() }
        }
        try response.check()
        return head
    }

    private func pump(_ stream: any AsyncSequence<[UInt8], any Error> & Sendable, into upload: UploadChannel) async {
        do {
            for try await bytes in stream {
                guard await upload.waitForRoom() else { return }
                if try upload.append(bytes) { loop.post(.resumeSending(self)) }
            }
            if try upload.complete() { loop.post(.resumeSending(self)) }
        } catch let error as CancellationError {
            abort(error)
        } catch {
            abort(request.error(.requestBody, "the request body failed", cause: error))
        }
    }
}
