/// The body of a reply, as it arrives.
///
/// It is read once, by one task. The transfer pauses while nobody reads; it is broken off when the reading task is cancelled
/// and when the last copy of the body is dropped before its end.
public struct HTTPReplyBody: AsyncSequence, Sendable {
    private let owner: Owner

    init(_ transfer: CurlTransfer, of client: HTTPClient) {
        owner = Owner(transfer, client)
    }

    /// Reads the bytes; a second iterator goes on where the first one stopped.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(owner: owner)
    }

    /// Reads a body.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let owner: Owner

        /// The bytes that arrived since the last call, at least one; nil at the end.
        /// - Throws: ``HTTPTransportError`` when the transfer broke, `CancellationError` when the task was cancelled.
        public func next() async throws -> [UInt8]? {
            try await owner.transfer.nextBytes()
        }
    }

    /// Keeps the client alive as long as somebody may read, and ends the transfer afterwards.
    fileprivate final class Owner: Sendable {
        let transfer: CurlTransfer
        private let client: HTTPClient

        init(_ transfer: CurlTransfer, _ client: HTTPClient) {
            self.transfer = transfer
            self.client = client
        }

        deinit {
            transfer.abort(CancellationError())
        }
    }

    /// Reads everything.
    func collect(limit bytes: Int) async throws -> [UInt8] {
        let transfer = owner.transfer
        var body: [UInt8] = []
        while let chunk = try await transfer.nextBytes() {
            guard body.count + chunk.count <= bytes else {
                let error = transfer.request.error(.tooLarge, "the answer is larger than \(bytes) bytes")
                transfer.abort(error)
                throw error
            }
            if body.isEmpty { body = chunk } else { body += chunk }
        }
        return body
    }
}
