package import Base
package import Hummingbird
import ServiceLifecycle
import Glibc
import Logging
import NIOCore

/// The HTTP server of an internal service, on a Unix socket of mode 0660.
///
/// Beside the service's own routes it answers `/healthz` (the process serves) and `/readyz` (the service can do its work);
/// both without the internal token.
package struct InternalServer: Service {
    private let name: String
    private let socketPath: String
    private let responder: RouterResponder<ServiceContext>
    private let onListening: @Sendable () async -> Void

    /// Prepares a server.
    /// - Parameters:
    ///   - name: the service, for logs.
    ///   - socketPath: where to listen; an abandoned socket is replaced.
    ///   - token: what callers must know.
    ///   - isReady: whether the service can do its work now.
    ///   - onListening: called once requests are accepted.
    ///   - addRoutes: adds the service's routes, which only callers with the token reach.
    package init(
        name: String,
        socketPath: String,
        token: SecretValue?,
        isReady: @escaping @Sendable () async -> Bool = { true },
        onListening: @escaping @Sendable () async -> Void = {},
        addRoutes: (RouterGroup<ServiceContext>) -> Void
    ) {
        self.name = name
        self.socketPath = socketPath
        self.onListening = onListening
        let router = ServiceRouter(context: ServiceContext.self)
        router.addMiddleware {
            RequestLogMiddleware()
            ErrorMiddleware()
        }
        HealthRoutes(isReady: isReady).add(to: router)
        addRoutes(router.group().add(middleware: InternalTokenMiddleware(token: token)))
        responder = router.buildResponder()
    }

    /// Serves until graceful shutdown, which lets running requests end.
    /// - Throws: ``Failure`` when the socket cannot be used.
    package func run() async throws {
        try await SocketFile.prepare(socketPath)
        let path = socketPath
        let onListening = onListening
        var logger = Logger.current
        logger[metadataKey: "service"] = "\(name)"
        let application = Application(
            responder: responder,
            configuration: ApplicationConfiguration(
                address: .unixDomainSocket(path: path),
                serverName: nil
            ),
            onServerRunning: { _ in
                SocketFile.open(path)
                await onListening()
            },
            logger: logger.quiet
        )
        try await attempt("serve \(name) on \(path)") { try await application.run() }
    }
}

/// The two routes that say how a service is.
package struct HealthRoutes: Sendable {
    private let isReady: @Sendable () async -> Bool

    /// Makes the routes.
    package init(isReady: @escaping @Sendable () async -> Bool) {
        self.isReady = isReady
    }

    /// Adds `/healthz` and `/readyz`.
    package func add<Context: RequestContext>(to router: Router<Context>) {
        router.get("/healthz") { _, _ in Response.empty() }
        router.get("/readyz") { _, _ in
            guard await isReady() else { throw APIError(.unavailable, "The service is still starting.") }
            return Response.empty()
        }
    }
}

extension Logger {
    /// The same logger for Hummingbird's own lines, of which only warnings and worse matter.
    fileprivate var quiet: Logger {
        var logger = self
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }
}
