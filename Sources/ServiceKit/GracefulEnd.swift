import Base
import ServiceLifecycle

/// Runs `body` and cancels it when the process begins to stop, or the service to change its mode.
/// - Returns: what `body` returns; nil when it was cancelled for one of these reasons.
/// - Throws: what `body` throws, and `CancellationError` when the task itself was cancelled.
package func untilGracefulShutdown<Value: Sendable>(
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value? {
    do {
        return try await cancelWhenGracefulShutdown {
            guard let end = ModeEnd.current else { return try await body() }
            return try await end.cancelling(after: .zero, body)
        }
    } catch {
        guard ErrorChain(error).isCancellation, Task.isShuttingDownGracefully, !Task.isCancelled else { throw error }
        return nil
    }
}

/// Work that goes on until the process begins to stop.
package struct BackgroundService: Service {
    private let body: @Sendable () async throws -> Void

    /// Wraps work that ends only by cancellation.
    package init(_ body: @escaping @Sendable () async throws -> Void) {
        self.body = body
    }

    /// Works until graceful shutdown.
    package func run() async throws {
        _ = try await untilGracefulShutdown(body)
    }
}
