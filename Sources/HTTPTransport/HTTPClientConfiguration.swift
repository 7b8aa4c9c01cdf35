/// How an ``HTTPClient`` connects.
public struct HTTPClientConfiguration: Sendable {
    /// How many connections one server gets at once; further requests wait in line.
    ///
    /// Nil for no limit, which suits servers that hold requests open. All Unix sockets count as one server.
    public var maximumConnectionsPerHost: Int?
    /// How many connections may wait for their next request.
    public var maximumIdleConnections = 64
    /// How long resolving, connecting and the TLS handshake may take.
    public var connectTimeout: Duration = .seconds(10)
    /// The certificates to trust, as a PEM file; nil for the system's.
    public var certificateAuthorityFile: String?
    /// Accepts any certificate.
    ///
    /// For tests and for servers that are reached over a trusted network alone.
    public var allowsInsecureTLS = false
    /// What the client calls itself.
    public var userAgent = "martlet/0.1"

    /// The defaults: certificates are verified, and no proxy, redirect or cookie is ever followed.
    public init() {}
}
