import Base
import Synchronization

/// The open connections of one server.
final class ConnectionRegistry: Sendable {
    private struct State {
        var connections: [ObjectIdentifier: FastCGIConnection] = [:]
        var isDraining = false
    }

    private let state = Mutex(State())

    /// Rings whenever a connection has gone.
    let departure = Bell()

    /// The number of open connections.
    var count: Int { state.withLock { $0.connections.count } }

    /// Whether connections end after the request at hand.
    var isDraining: Bool { state.withLock { $0.isDraining } }

    /// Adds a connection that was just accepted.
    func add(_ connection: FastCGIConnection) {
        state.withLock { $0.connections[ObjectIdentifier(connection)] = connection }
    }

    /// Removes a connection before it is closed.
    func remove(_ connection: FastCGIConnection) {
        state.withLock { $0.connections[ObjectIdentifier(connection)] = nil }
        departure.ring()
    }

    /// Ends idle connections now and the others after the request at hand.
    func drain() {
        let connections = state.withLock { state in
            state.isDraining = true
            return Array(state.connections.values)
        }
        for connection in connections { connection.input.ring() }
        departure.ring()
    }
}
