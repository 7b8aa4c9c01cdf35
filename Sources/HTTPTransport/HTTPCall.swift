public import Base
public import HTTPTypes

/// One request.
public struct HTTPCall: Sendable {
    /// The method.
    public var method: HTTPRequest.Method
    /// The server.
    public var endpoint: HTTPEndpoint
    /// The path, percent-encoded, beginning with a slash; it may carry `?query`.
    public var path: String
    /// The header fields; those that frame the message (`Content-Length`, `Transfer-Encoding`, `Connection`, `Expect`) are
    /// the transport's own business and left out.
    public var headers: HTTPFields
    /// What is sent.
    public var body: HTTPBody
    /// When the call must be over, bodies included; nil for never.
    public var deadline: Deadline?
    /// How long the server may neither take nor send a byte; nil for ever.
    ///
    /// Time that the caller spends, as a slow producer or reader of a body, does not count. Silence is noticed at most a quarter
    /// of the time-out late.
    public var idleTimeout: Duration?
    /// Signs the request; nil for none.
    ///
    /// The key goes to libcurl alone, and never into a field or an error.
    public var signature: AWSSignature?
    /// How many bytes ``HTTPReply/collect()`` accepts.
    public var responseLimit: Int = 16 << 20

    /// Describes a request.
    public init(
        _ method: HTTPRequest.Method = .get,
        _ endpoint: HTTPEndpoint,
        _ path: String,
        headers: HTTPFields = [:],
        body: HTTPBody = .none,
        deadline: Deadline? = nil
    ) {
        self.method = method
        self.endpoint = endpoint
        self.path = path
        self.headers = headers
        self.body = body
        self.deadline = deadline
    }
}
