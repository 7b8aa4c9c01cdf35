public import HTTPTypes

/// An answer: its head, and its body while it arrives.
public struct HTTPReply: Sendable {
    /// The status code, 200 or more.
    public let status: Int
    /// The header fields.
    public let headers: HTTPFields
    /// The body.
    public let body: HTTPReplyBody
    private let limit: Int

    init(_ head: ResponseHead, body: HTTPReplyBody, limit: Int) {
        status = head.status
        headers = head.headers
        self.body = body
        self.limit = limit
    }

    /// Reads the whole body into memory.
    /// - Throws: ``HTTPTransportError``, of kind `tooLarge` when there is more than ``HTTPCall/responseLimit``.
    public func collect() async throws -> [UInt8] {
        try await body.collect(limit: limit)
    }
}
