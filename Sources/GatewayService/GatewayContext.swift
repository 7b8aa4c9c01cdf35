package import FastCGI
package import Hummingbird
import Model

/// The context of a request to the gateway, over FastCGI or over its internal socket.
package struct GatewayContext: TransportRequestContext {
    /// What Hummingbird keeps for every request.
    package var coreContext: CoreRequestContextStorage
    /// `http` or `https`, as the client spoke to nginx.
    package let scheme: String
    /// Who asks; nobody until the authentication middleware has looked.
    package var caller = Caller.anonymous

    /// Makes the context of a request that has arrived.
    package init(transport: TransportContextSource) {
        coreContext = CoreRequestContextStorage(source: transport)
        scheme = transport.scheme
    }
}

/// Routes of the gateway.
package typealias GatewayRoutes = RouterGroup<GatewayContext>
