package import Hummingbird
package import Logging

/// What a transport knows about a request besides the request itself.
package struct TransportContextSource: RequestContextSource {
    /// The request's logger, carrying its id.
    package let logger: Logger
    /// The client's address as the front server saw it; nil when the peer is another process on a Unix socket.
    package let remoteAddress: String?
    /// `http` or `https`, as the client spoke to the front server.
    package let scheme: String

    /// Takes the facts as they are.
    package init(logger: Logger, remoteAddress: String?, scheme: String) {
        self.logger = logger
        self.remoteAddress = remoteAddress
        self.scheme = scheme
    }

    /// What Hummingbird's own server knows: it faces the client itself, without TLS.
    package init(_ source: ApplicationRequestContextSource) {
        self.init(logger: source.logger, remoteAddress: source.channel.remoteAddress?.ipAddress, scheme: "http")
    }
}

/// A request context that both transports can make: FastCGI and Hummingbird's own HTTP server.
///
/// Hummingbird makes a context from its channel, which FastCGI does not have. A type that adopts this protocol writes one
/// initialiser, from ``TransportContextSource``, and gets Hummingbird's from the extension below; its router then serves
/// both transports:
///
/// ```swift
/// struct GatewayContext: TransportRequestContext {
///     var coreContext: CoreRequestContextStorage
///     let remoteAddress: String?
///
///     init(transport: TransportContextSource) {
///         coreContext = .init(source: transport)
///         remoteAddress = transport.remoteAddress
///     }
/// }
/// ```
package protocol TransportRequestContext: RequestContext where Source == ApplicationRequestContextSource {
    /// Makes the context of one request.
    init(transport: TransportContextSource)
}

extension TransportRequestContext {
    /// Makes the context of a request that came through Hummingbird's own server.
    package init(source: ApplicationRequestContextSource) {
        self.init(transport: TransportContextSource(source))
    }
}
