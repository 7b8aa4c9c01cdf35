import Base
import Logging

/// Takes connections from the listening socket.
struct FastCGIAcceptor: Sendable {
    private let listener: Listener
    private let poller: Poller
    private let registry: ConnectionRegistry
    private let limit: Int
    private let arrival = Bell()
    private let token: Poller.Token

    /// Binds the socket and watches it.
    /// - Throws: as ``Listener`` and ``Poller``.
    init(path: String, limit: Int, poller: Poller, registry: ConnectionRegistry) throws {
        let listener = try Listener(path: path)
        do {
            token = try poller.watch(listener.descriptor) { [arrival] _ in arrival.ring() }
        } catch {
            listener.stop()
            listener.close()
            throw error
        }
        self.listener = listener
        self.poller = poller
        self.registry = registry
        self.limit = limit
    }

    /// The next connection, or nil when the caller should look whether to stop.
    /// - Throws: `CancellationError`.
    func next() async throws -> FastCGIConnection? {
        let (arrivals, departures) = (arrival.count, registry.departure.count)
        guard registry.count < limit else {
            try await registry.departure.wait(beyond: departures)
            return nil
        }
        do {
            if let descriptor = try listener.accept() {
                return try FastCGIConnection(descriptor: descriptor, poller: poller)
            }
        } catch {
            guard !registry.isDraining else { return nil }
            Logger.current.error("connection was not accepted", error: error)
            // Out of descriptors, most likely: the kernel will not tell when there are some again.
            try await Task.sleep(for: .milliseconds(100))
            return nil
        }
        try await arrival.wait(beyond: arrivals)
        return nil
    }

    /// Refuses new connections, and lets ``next()`` return.
    func stop() {
        listener.stop()
        arrival.ring()
    }

    /// Gives the socket back.
    func close() {
        listener.stop()
        poller.forget(listener.descriptor, token)
        listener.close()
    }
}
