public import Base

/// Why an HTTP call brought no complete answer.
///
/// An answer with an error status is an answer, not such an error.
public struct HTTPTransportError: CausedError, CustomStringConvertible {
    /// What went wrong.
    public enum Kind: String, Sendable, CaseIterable {
        /// No connection came about in time, so the server has not seen the request and repeating it is safe.
        case cannotConnect
        /// The deadline passed, or the server was silent for too long.
        case timedOut
        /// The answer is larger than the caller or the transport allows.
        case tooLarge
        /// The server's certificate or its TLS cannot be trusted.
        case tls
        /// The connection broke, or what came over it is not HTTP. The server may have acted on the request.
        case brokenTransfer
        /// The client was shut down.
        case closed
        /// The path or the URL is malformed; nothing was sent.
        case badURL
        /// The caller's own body stream failed, or its length was not the announced one.
        case requestBody
    }

    /// What went wrong.
    public let kind: Kind
    /// Server, method and path; never the query, which may hold secrets.
    public let call: String
    /// What happened, where known in libcurl's own words.
    public let message: String
    /// The error of the request's body stream, if that was the reason.
    public let cause: (any Error)?
    /// Where the call was sent from.
    public let site: Site?

    /// Method, path, server and what happened.
    public var linkMessage: String { "\(call): \(message)" }

    /// The whole chain on one line.
    public var description: String { ErrorChain(self).description }
}
