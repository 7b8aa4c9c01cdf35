package import Base
package import Hummingbird
import ServiceLifecycle

/// The HTTP server of an internal service, on a Unix socket of mode 0660.
///
/// Beside the service's own routes it answers `/healthz` (the process serves) and `/readyz` (the service can do its work);
/// both without the internal token.
package struct InternalServer: Service {
    private let server: UnixHTTPServer<RouterResponder<ServiceContext>>

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
        let router = ServiceRouter(context: ServiceContext.self)
        router.addMiddleware {
            RequestLogMiddleware()
            ErrorMiddleware()
        }
        HealthRoutes(isReady: isReady).add(to: router)
        addRoutes(router.group().add(middleware: InternalTokenMiddleware(token: token)))
        server = UnixHTTPServer(
            name: name,
            socketPath: socketPath,
            responder: router.buildResponder(),
            onListening: onListening
        )
    }

    /// Serves until graceful shutdown, which lets running requests end.
    /// - Throws: ``Failure`` when the socket cannot be used.
    package func run() async throws {
        try await server.run()
    }
}

/// The two routes that say how a service is.
package struct HealthRoutes: Sendable {
    /// Where the routes are.
    static let paths: Set = ["/healthz", "/readyz"]

    private let isReady: @Sendable () async -> Bool
    private let refusal: APIError

    /// Makes the routes; `refusal` says why a service is not ready.
    package init(
        refusal: APIError = APIError(.unavailable, "The service cannot do its work now."),
        isReady: @escaping @Sendable () async -> Bool
    ) {
        self.refusal = refusal
        self.isReady = isReady
    }

    /// Adds `/healthz` and `/readyz`.
    package func add<Context: RequestContext>(to router: Router<Context>) {
        router.get("/healthz") { _, _ in Response.empty() }
        router.get("/readyz") { _, _ in
            guard await isReady() else { throw refusal }
            return Response.empty()
        }
    }
}
