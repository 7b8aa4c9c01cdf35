package import Logging
import ServiceKit
package import ServiceLifecycle
import Synchronization
package import Testing

/// Runs a service beside a test; its log goes to the test that caused it.
package enum TestService {
    /// Starts a service, waits until it listens, runs `body`, and stops the service gracefully.
    /// - Parameters:
    ///   - make: makes the service, which calls the closure once it listens.
    ///   - body: the test.
    /// - Returns: what `body` returns.
    /// - Throws: what the service or `body` throws.
    package static func with<Value>(
        _ make: (@escaping @Sendable () async -> Void) async throws -> any Service,
        _ body: () async throws -> Value
    ) async throws -> Value {
        let log = TestLog()
        return try await withLogger(log.logger) { logger in
            defer { log.attach() }
            let (listening, started) = AsyncStream<Void>.makeStream()
            let services = ServiceGroup(services: [try await make { started.finish() }], logger: logger)
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    defer { started.finish() }
                    try await services.run()
                }
                for await _ in listening {}
                do {
                    let value = try await body()
                    await services.triggerGracefulShutdown()
                    try await group.waitForAll()
                    return value
                } catch {
                    await services.triggerGracefulShutdown()
                    throw error
                }
            }
        }
    }
}

/// Collects log lines for one test.
package final class TestLog: Sendable {
    private let lines = Mutex<[String]>([])

    /// An empty log.
    package init() {}

    /// A logger that writes here, with every link of every error.
    package var logger: Logger {
        Logger(label: "test") { _ in
            LineLogHandler(level: .debug, showsDetails: true) { line in self.lines.withLock { $0.append(line) } }
        }
    }

    /// Everything so far.
    package var text: String { lines.withLock { $0.joined() } }

    /// Attaches the log to the running test.
    package func attach(sourceLocation: SourceLocation = #_sourceLocation) {
        let text = text
        guard !text.isEmpty else { return }
        Attachment.record(text, named: "service.log", sourceLocation: sourceLocation)
    }
}
