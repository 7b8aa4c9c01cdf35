import HTTPTransport
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization
import TestSupport

/// A Hummingbird server that lives as long as a test's closure.
enum TestServer {
    enum Place {
        case unixSocket
        case loopback
    }

    static func with<Value>(
        _ router: Router<BasicRequestContext>,
        at place: Place = .unixSocket,
        _ body: (HTTPEndpoint) async throws -> Value
    ) async throws -> Value {
        let path = "\(TemporaryDirectory.path)/s"
        let (ports, port) = AsyncStream.makeStream(of: Int?.self)
        let application = Application(
            router: router,
            configuration: .init(
                address: place == .loopback ? .hostname("127.0.0.1", port: 0) : .unixDomainSocket(path: path),
                // A thousand clients may be faster than a busy machine accepts them.
                backlog: 1_024
            ),
            onServerRunning: { channel in
                port.yield(channel.localAddress?.port)
                port.finish()
            },
            logger: quietLogger
        )
        let group = ServiceGroup(configuration: .init(services: [.init(service: application)], logger: quietLogger))
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            for await port in ports {
                let result: Result<Value, any Error>
                do {
                    let endpoint: HTTPEndpoint = try port.map { try .url("http://127.0.0.1:\($0)") } ?? .unix(path)
                    result = .success(try await body(endpoint))
                } catch {
                    result = .failure(error)
                }
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
                return try result.get()
            }
            try await tasks.waitForAll()
            throw CancellationError()
        }
    }

    private static let quietLogger: Logger = {
        var logger = Logger(label: "test-server")
        logger.logLevel = .critical
        return logger
    }()
}
