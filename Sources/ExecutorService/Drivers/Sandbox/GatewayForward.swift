import Base
import Glibc
import Logging
import NIOCore
import NIOPosix

/// Carries connections that steps open to the gateway's address inside their sandbox to the real gateway, byte by byte.
struct GatewayForward: Sendable {
    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private let endpoint: GatewayEndpoint
    private let group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton

    /// Forwards to this gateway.
    init(_ endpoint: GatewayEndpoint) {
        self.endpoint = endpoint
    }

    /// Accepts connections until cancelled.
    /// - Throws: ``Failure`` when the socket cannot be used.
    func serve(_ listener: OwnedDescriptor) async throws {
        let number = dup(listener.number)
        guard number >= 0 else { throw SystemError("keep the gateway's listener") }
        let server = try await attempt("accept connections to the gateway") {
            try await ServerBootstrap(group: group)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .bind(number) { Self.wrap($0) }
        }
        try await attempt("accept connections to the gateway") {
            try await server.executeThenClose { connections in
                try await withThrowingDiscardingTaskGroup { group in
                    for try await connection in connections {
                        group.addTask { await forward(connection) }
                    }
                }
            }
        }
    }

    private func forward(_ inside: Connection) async {
        do {
            let outside = try await ClientBootstrap(group: group)
                .channelOption(.allowRemoteHalfClosure, value: true)
                .connect(host: endpoint.numericHost, port: Int(endpoint.port)) { Self.wrap($0) }
            try await inside.executeThenClose { received, answer in
                try await outside.executeThenClose { answered, send in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { try await Self.copy(received, to: send) }
                        group.addTask { try await Self.copy(answered, to: answer) }
                        try await group.waitForAll()
                    }
                }
            }
        } catch {
            // Either side may go at any time; the step sees a closed connection, as it would without a sandbox.
            Logger.current.debug("connection to the gateway ended early", error: error)
        }
    }

    private static func wrap(_ channel: any Channel) -> EventLoopFuture<Connection> {
        channel.eventLoop.makeCompletedFuture {
            try Connection(
                wrappingChannelSynchronously: channel,
                configuration: .init(isOutboundHalfClosureEnabled: true)
            )
        }
    }

    private static func copy(
        _ input: NIOAsyncChannelInboundStream<ByteBuffer>,
        to output: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async throws {
        for try await bytes in input { try await output.write(bytes) }
        output.finish()
    }
}
