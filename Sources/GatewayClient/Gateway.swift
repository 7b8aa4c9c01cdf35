public import Base
import FoundationEssentials
public import HTTPTransport
import HTTPTypes

/// A Martlet server, as its public API shows it.
///
/// The types nested here are the API's own shapes, written down a second time on purpose: a client must keep working when the
/// server's types change. All calls throw ``Refusal`` in the chain when the server answers with an error, and
/// `HTTPTransportError` when it cannot be reached.
public struct Gateway: Sendable {
    /// How the caller proves who it is.
    public enum Credentials: Sendable {
        /// Not at all.
        case none
        /// By a user's token, or the installation's admin token.
        case token(SecretValue)
        /// By the cookies of a session.
        case session(Session)
    }

    /// The server's address, without a slash at the end.
    public let url: String
    let credentials: Credentials
    let client: HTTPClient
    let endpoint: HTTPEndpoint

    /// Prepares calls; nothing is sent yet.
    /// - Parameters:
    ///   - url: the server's address, such as `https://ci.example.org`.
    ///   - credentials: who calls.
    ///   - client: the client that carries the calls.
    /// - Throws: `Failure` when the address is none.
    public init(url: String, credentials: Credentials = .none, client: HTTPClient) throws {
        var url = url
        while url.hasSuffix("/") { url.removeLast() }
        self.url = url
        self.credentials = credentials
        self.client = client
        endpoint = try HTTPEndpoint.url(url)
    }

    /// The same server for another caller.
    public func authenticated(by credentials: Credentials) throws -> Gateway {
        try Gateway(url: url, credentials: credentials, client: client)
    }

    /// The server's name and version.
    /// - Throws: ``Refusal`` in the chain.
    public func version() async throws -> Version {
        try await get("/version")
    }

    /// What a server says of itself.
    public struct Version: Codable, Sendable, Equatable {
        /// The service that answered.
        public var service: String
        /// Its version.
        public var version: String
    }

    // MARK: Requests

    func get<Value: Decodable>(_ path: String, query: [(String, String)] = []) async throws -> Value {
        try await decode(exchange(.get, path, query: query))
    }

    func send<Value: Decodable>(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ value: some Encodable & Sendable
    ) async throws -> Value {
        try await decode(exchange(method, path, body: try JSONCoding.encode(value)))
    }

    /// All pages of a list, or as many as hold `limit` items.
    func list<Item: Decodable>(_ path: String, query: [(String, String)] = [], limit: Int = .max) async throws -> [Item]
    {
        var items: [Item] = []
        var cursor = ""
        repeat {
            // The cursor fixes everything else.
            let reply = try await exchange(.get, path, query: cursor.isEmpty ? query : [("cursor", cursor)])
            items += try await decode(reply) as [Item]
            cursor = reply.headers[.cursor] ?? ""
        } while !cursor.isEmpty && items.count < limit
        return Array(items.prefix(limit))
    }

    /// Sends a request and returns an answer of success, its body still to be read.
    func exchange(
        _ method: HTTPRequest.Method,
        _ path: String,
        query: [(String, String)] = [],
        body: Data? = nil,
        deadline: Deadline? = .after(.seconds(60))
    ) async throws -> HTTPReply {
        var target = "/api/v1alpha\(path)"
        if !query.isEmpty {
            target +=
                "?" + query.map { "\(PercentEncoding.query($0))=\(PercentEncoding.query($1))" }.joined(separator: "&")
        }
        let body = body.map { HTTPBody.bytes(Array($0)) } ?? .none
        return try await exchange(method, path: target, body: body, deadline: deadline)
    }

    /// Sends a body of any kind to a target that is percent-encoded.
    func exchange(
        _ method: HTTPRequest.Method,
        path target: String,
        body: HTTPBody,
        deadline: Deadline?
    ) async throws -> HTTPReply {
        let hasBody = if case .none = body { false } else { true }
        let call = HTTPCall(
            method,
            endpoint,
            target,
            headers: headers(hasBody: hasBody),
            body: body,
            deadline: deadline
        )
        let reply = try await client.send(call)
        guard (200..<300).contains(reply.status) else {
            throw Refusal(status: reply.status, body: try await reply.collect())
        }
        return reply
    }

    private func headers(hasBody: Bool) -> HTTPFields {
        var headers: HTTPFields = hasBody ? [.contentType: "application/json"] : [:]
        switch credentials {
        case .none: break
        case .token(let token): headers[.authorization] = "token \(token.revealed)"
        case .session(let session):
            headers[.cookie] = session.cookies.map { "\($0.key)=\($0.value.revealed)" }.sorted().joined(separator: "; ")
            headers[.csrfToken] = session.csrfToken?.revealed
            headers[.origin] = url
        }
        return headers
    }

    private func decode<Value: Decodable>(_ reply: HTTPReply) async throws -> Value {
        try JSONCoding.decode(Value.self, from: try await reply.collect())
    }
}

extension HTTPField.Name {
    static let csrfToken = literal("X-Csrf-Token")
    static let cursor = literal("X-Agola-Cursor")

    private static func literal(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is no header name") }
        return name
    }
}
