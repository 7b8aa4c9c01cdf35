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
        let listener = try attempt("serve FastCGI on \(configuration.socketPath)") {
            try Listener(path: configuration.socketPath)
        }
        defer {
            listener.stop()
            listener.close()
        }
        let poller = try attempt("watch FastCGI connections") { try Poller(name: "fcgi-\(configuration.name)") }
        defer { poller.stop() }
        let registry = ConnectionRegistry()
        let arrival = Signal()
        let token = try attempt("watch FastCGI socket") {
            try poller.watch(listener.descriptor) { _ in arrival.raise() }
        }
        try await withGracefulShutdownHandler {
            try await accept(from: listener, arrival, poller, registry)
        } onGracefulShutdown: {
            listener.stop()
            registry.drain()
            arrival.raise()
        }
        poller.forget(listener.descriptor, token)
    }

    private func accept(
        from listener: Listener,
        _ arrival: Signal,
        _ poller: Poller,
        _ registry: ConnectionRegistry
    ) async throws {
        let logger = Logger.current
        let worker = FastCGIWorker(
            configuration: configuration,
            responder: responder,
            registry: registry,
            pool: BlockingPool(name: "fcgi-\(configuration.name)", threads: configuration.threads),
            logger: logger
        )
        await withDiscardingTaskGroup { group in
            logger.notice("fastcgi server started", metadata: ["socket": "\(configuration.socketPath)"])
            while !Task.isCancelled, !registry.isDraining {
                guard let connection = await nextConnection(from: listener, arrival, poller, registry) else { continue }
                registry.add(connection)
                group.addTask { await worker.serve(connection) }
            }
            registry.drain()
            await waitUntilEmpty(registry)
            group.cancelAll()
        }
        logger.notice("fastcgi server stopped", metadata: ["socket": "\(configuration.socketPath)"])
    }

    /// The next connection, or nil when the caller should look whether to stop.
    private func nextConnection(
        from listener: Listener,
        _ arrival: Signal,
        _ poller: Poller,
        _ registry: ConnectionRegistry
    ) async -> FastCGIConnection? {
        do {
            guard registry.count < configuration.connectionLimit else {
                await registry.departure.wait()
                return nil
            }
            guard let descriptor = try listener.accept() else {
                await arrival.wait()
                return nil
            }
            return try FastCGIConnection(descriptor: descriptor, poller: poller)
        } catch {
            Logger.current.error("connection was not accepted", error: error)
            // Out of descriptors, most likely: the kernel will not tell when there are some again.
            try? await Task.sleep(for: .milliseconds(100))  // cancelled: the caller looks
            return nil
        }
    }

    private func waitUntilEmpty(_ registry: ConnectionRegistry) async {
        do {
            try await withDeadline(.after(configuration.drainTime)) {
                while registry.count > 0, !Task.isCancelled { await registry.departure.wait() }
            }
        } catch {
            Logger.current.info("requests were cancelled at the end of the drain time")
        }
    }
}
