import Base
import FastCGI
import Hummingbird
import Logging
import ServiceLifecycle
import TestSupport
import Testing

/// Servers of the test's own, in its temporary directory.
enum TestFastCGI {
    typealias Stop = @Sendable () async -> Void

    static func path(_ name: String = "api") -> String { "\(TemporaryDirectory.path)/\(name).sock" }

    /// Runs `body` beside a server and stops the server gracefully.
    static func serve<Value: Sendable>(
        _ responder: RouterResponder<TestContext>,
        name: String = "api",
        change: (inout FastCGIConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (_ stop: @escaping Stop) async throws -> Value
    ) async throws -> Value {
        var configuration = FastCGIConfiguration(socketPath: path(name), threads: 16, name: name)
        change(&configuration)
        let server = FastCGIServer(configuration: configuration, responder: responder)
        return try await running(server, socket: configuration.socketPath, body)
    }

    /// Runs `body` beside a service that listens on a Unix socket.
    static func running<Value: Sendable>(
        _ service: any Service,
        socket: String,
        _ body: @escaping @Sendable (_ stop: @escaping Stop) async throws -> Value
    ) async throws -> Value {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return try await withLogger(logger) { logger in
            let group = ServiceGroup(configuration: .init(services: [service], logger: logger))
            return try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                try await eventually("server listens") { (try? RawClient(path: socket)) != nil }
                let value = try await body { await group.triggerGracefulShutdown() }
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
                return value
            }
        }
    }

    /// One request over a connection of its own.
    static func call(_ encoder: RecordEncoder, name: String = "api") async throws -> RawClient.Reply {
        let client = try RawClient(path: path(name))
        try await client.send(encoder)
        return try await client.reply()
    }
}
