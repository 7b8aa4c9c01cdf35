import Base
import Logging
import ServiceLifecycle

/// A schedule around a pass: owns sleeping, jitter, logging and cancellation, so that the pass is an ordinary function that
/// tests call directly.
package struct PeriodicLoop: Service {
    private let name: String
    private let interval: Duration
    private let pass: @Sendable () async throws -> Void

    /// Makes a loop.
    /// - Parameters:
    ///   - name: for logs.
    ///   - interval: the time between the end of a pass and the next one; a tenth of it is random.
    ///   - pass: one turn; what it throws is logged and the loop goes on.
    package init(_ name: String, every interval: Duration, pass: @escaping @Sendable () async throws -> Void) {
        self.name = name
        self.interval = interval
        self.pass = pass
    }

    /// Loops until graceful shutdown or cancellation.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await pass()
                } catch {
                    if ErrorChain(error).isCancellation { return }
                    Logger.current.error("periodic pass failed", error: error, metadata: ["loop": "\(name)"])
                }
                // Cancellation is the usual end of the sleep and of the loop.
                try? await Task.sleep(for: interval * Double.random(in: 0.9...1.1))
            }
        }
    }
}
