import Base
package import Hummingbird
import Logging
import ServiceLifecycle

/// Serves a Hummingbird router over FastCGI: the same router, middleware and context that Hummingbird's own server takes.
///
/// The socket is made when ``run()`` starts, and removed when it ends. Every connection is a task of `run()`; libfcgi reads
/// and writes the records. A handler is cancelled when its client goes away. A graceful stop refuses new connections, lets
/// running requests end within ``FastCGIConfiguration/drainTime``, and cancels what still runs then.
package struct FastCGIServer<Responder: HTTPResponder>: Service where Responder.Context: TransportRequestContext {
    private let configuration: FastCGIConfiguration
    private let responder: Responder

    /// Makes a server; nothing happens before ``run()``.
    package init(configuration: FastCGIConfiguration, responder: Responder) {
        self.configuration = configuration
        self.responder = responder
    }

    /// Serves until graceful shutdown or cancellation.
    /// - Throws: ``Failure`` when the socket cannot be made, naming its path.
    package func run() async throws {
        let registry = ConnectionRegistry()
        let poller = try attempt("watch FastCGI connections") { try Poller(name: "fcgi-\(configuration.name)") }
        defer { poller.stop() }
        let acceptor = try attempt("serve FastCGI on \(configuration.socketPath)") {
            try FastCGIAcceptor(
                path: configuration.socketPath,
                limit: configuration.connectionLimit,
                poller: poller,
                registry: registry
            )
        }
        defer { acceptor.close() }
        await withGracefulShutdownHandler {
            await serve(acceptor, registry)
        } onGracefulShutdown: {
            registry.drain()
            acceptor.stop()
        }
    }

    private func serve(_ acceptor: FastCGIAcceptor, _ registry: ConnectionRegistry) async {
        let logger = Logger.current
        let worker = FastCGIWorker(
            configuration: configuration,
            responder: responder,
            registry: registry,
            pool: BlockingPool(name: "fcgi-\(configuration.name)", threads: configuration.threads),
            logger: logger
        )
        logger.notice("fastcgi server started", metadata: ["socket": "\(configuration.socketPath)"])
        await withDiscardingTaskGroup { group in
            while !registry.isDraining, !Task.isCancelled {
                // Only cancellation throws here, and that ends the loop.
                guard let connection = try? await acceptor.next() else { continue }
                registry.add(connection)
                group.addTask { await worker.serve(connection) }
            }
            registry.drain()
            await waitUntilEmpty(registry)
            group.cancelAll()
        }
        logger.notice("fastcgi server stopped", metadata: ["socket": "\(configuration.socketPath)"])
    }

    private func waitUntilEmpty(_ registry: ConnectionRegistry) async {
        do {
            try await withDeadline(.after(configuration.drainTime)) {
                while true {
                    let seen = registry.departure.count
                    guard registry.count > 0 else { return }
                    try await registry.departure.wait(beyond: seen)
                }
            }
        } catch {
            Logger.current.info("running requests were cancelled")
        }
    }
}
