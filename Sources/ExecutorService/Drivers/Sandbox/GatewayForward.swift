import Base
import Glibc
import NIOCore
import NIOPosix

/// Carries connections that steps open to the gateway's address inside their sandbox to the real gateway, byte by byte.
struct GatewayForward: Sendable {
    private let endpoint: GatewayEndpoint

    /// Forwards to this gateway.
    init(_ endpoint: GatewayEndpoint) {
        self.endpoint = endpoint
    }

    /// Accepts connections until cancelled.
    ///
    /// A gateway that does not answer shows inside as a closed connection.
    /// - Throws: ``Failure`` when the socket cannot be used.
    func serve(_ listener: OwnedDescriptor) async throws {
        let number = dup(listener.number)
        guard number >= 0 else { throw SystemError("keep the gateway's listener") }
        try await attempt("accept connections to the gateway") {
            let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelOption(.autoRead, value: false)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelInitializer { [endpoint] in Self.connect($0, to: endpoint) }
                .withBoundSocket(number)
                .get()
            try await withTaskCancellationHandler {
                try await server.closeFuture.get()
            } onCancel: {
                server.close(promise: nil)
            }
        }
    }

    /// Both channels live on one event loop, so that the two halves of the glue may know each other.
    private static func connect(_ inside: any Channel, to endpoint: GatewayEndpoint) -> EventLoopFuture<Void> {
        ClientBootstrap(group: inside.eventLoop)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: endpoint.numericHost, port: Int(endpoint.port))
            .flatMapThrowing { outside in
                let (left, right) = GlueHandler.pair()
                try inside.pipeline.syncOperations.addHandler(left)
                try outside.pipeline.syncOperations.addHandler(right)
            }
    }
}
