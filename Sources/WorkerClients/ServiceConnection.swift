public import Base
public import HTTPTransport
public import HTTPTypes
import Model

/// Speaks JSON with one of our services; the typed clients are built on it.
public struct ServiceConnection: Sendable {
    private let client: HTTPClient
    private let endpoint: HTTPEndpoint
    private let token: SecretValue?
    private let timeout: Duration

    /// Prepares calls; nothing is sent yet.
    /// - Parameters:
    ///   - client: the client that carries the calls.
    ///   - endpoint: where the service listens.
    ///   - token: what the service wants its callers to know.
    ///   - timeout: how long an ordinary call may take.
    public init(client: HTTPClient, endpoint: HTTPEndpoint, token: SecretValue?, timeout: Duration = .seconds(30)) {
        self.client = client
        self.endpoint = endpoint
        self.token = token
        self.timeout = timeout
    }

    /// Gets a value.
    /// - Throws: ``RemoteError`` in the chain for any answer but 2xx.
    public func get<Value: Decodable>(
        _ path: String,
        query: [(String, String)] = [],
        as type: Value.Type = Value.self
    ) async throws -> Value {
        try JSONCoding.decode(type, from: try await exchange(.get, path, query: query))
    }

    /// Sends a value and reads the answer.
    /// - Throws: ``RemoteError`` in the chain for any answer but 2xx.
    public func send<Value: Decodable>(
        _ method: HTTPRequest.Method,
        _ path: String,
        query: [(String, String)] = [],
        _ value: some Encodable,
        as type: Value.Type = Value.self
    ) async throws -> Value {
        try JSONCoding.decode(type, from: try await exchange(method, path, query: query, json: value))
    }

    /// Sends a value to which there is no answer but success.
    /// - Throws: ``RemoteError`` in the chain for any answer but 2xx.
    public func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        query: [(String, String)] = [],
        _ value: some Encodable
    ) async throws {
        _ = try await exchange(method, path, query: query, json: value)
    }

    /// Makes a request without a body to which there is no answer but success.
    /// - Throws: ``RemoteError`` in the chain for any answer but 2xx.
    public func send(_ method: HTTPRequest.Method, _ path: String, query: [(String, String)] = []) async throws {
        _ = try await exchange(method, path, query: query)
    }

    /// Makes any request and returns the answer as soon as its head is here, whatever its status.
    ///
    /// The deadline is for the whole exchange; streams have none.
    public func open(
        _ method: HTTPRequest.Method,
        _ path: String,
        query: [(String, String)] = [],
        headers: HTTPFields = [:],
        body: HTTPBody = .none,
        deadline: Deadline? = nil
    ) async throws -> HTTPReply {
        var headers = headers
        if let token { headers[.authorization] = "token \(token.revealed)" }
        return try await client.send(
            HTTPCall(method, endpoint, Self.target(path, query), headers: headers, body: body, deadline: deadline)
        )
    }

    /// Makes a request with raw bytes and returns the answer's bytes.
    /// - Throws: ``RemoteError`` in the chain for any answer but 2xx.
    public func exchange(
        _ method: HTTPRequest.Method,
        _ path: String,
        query: [(String, String)] = [],
        headers: HTTPFields = [:],
        body: HTTPBody = .none,
        timeout: Duration? = nil
    ) async throws -> [UInt8] {
        try await attempt("\(method) \(path) of \(endpoint)") {
            let reply = try await open(
                method,
                path,
                query: query,
                headers: headers,
                body: body,
                deadline: .after(timeout ?? self.timeout)
            )
            return try await Self.checked(reply).collect()
        }
    }

    /// The answer itself if its status is 2xx.
    /// - Throws: ``RemoteError`` otherwise.
    public static func checked(_ reply: HTTPReply) async throws -> HTTPReply {
        guard !(200..<300).contains(reply.status) else { return reply }
        throw ErrorBody.remoteError(
            status: reply.status,
            body: try await reply.collect(),
            retryAfter: reply.headers[.retryAfter].flatMap { Int($0) }.map { .seconds(min(max($0, 0), 3_600)) }
        )
    }

    private func exchange(
        _ method: HTTPRequest.Method,
        _ path: String,
        query: [(String, String)],
        json value: some Encodable
    ) async throws -> [UInt8] {
        let body = HTTPBody.bytes(Array(try JSONCoding.encode(value)))
        return try await exchange(method, path, query: query, headers: [.contentType: "application/json"], body: body)
    }

    private static func target(_ path: String, _ query: [(String, String)]) -> String {
        guard !query.isEmpty else { return path }
        let pairs = query.map { "\(PercentEncoding.query($0.0))=\(PercentEncoding.query($0.1))" }
        return "\(path)?\(pairs.joined(separator: "&"))"
    }
}
