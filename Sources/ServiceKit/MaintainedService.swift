package import Base
package import Hummingbird
import Logging
import ServiceLifecycle
package import Store

/// A service that keeps a store, in whichever mode the store wants: normal operation or maintenance.
///
/// It listens on one socket for the whole life of the process; what changes with the mode is the routes behind it. In every mode
/// `/healthz` answers, and the routes of maintenance, export and import as soon as the store is open; what else is asked for while
/// the service does not work normally is refused with 503 and code `maintenance`.
///
/// A cycle is: open the store, look which mode it wants, live in that mode until the store wants the other one or holds other
/// content, let running requests end, end everything, and begin again. Trouble ends a cycle like a change does, and the next one
/// follows a little later: a store that cannot be opened now keeps the service from being ready, and does not end it.
package struct MaintainedService: Service {
    /// What makes the service in normal operation, over a store that was opened for it.
    package struct Parts: Sendable {
        /// Adds the routes, which only callers with the token reach.
        let addRoutes: @Sendable (RouterGroup<ServiceContext>) -> Void
        /// What runs beside them until it is cancelled.
        let services: [@Sendable () async throws -> Void]

        /// Names the parts.
        package init(
            services: [@Sendable () async throws -> Void] = [],
            addRoutes: @escaping @Sendable (RouterGroup<ServiceContext>) -> Void
        ) {
            self.services = services
            self.addRoutes = addRoutes
        }
    }

    private let name: String
    private let socketPath: String
    private let token: SecretValue?
    private let open: @Sendable () async throws -> ServiceStore
    private let importRules: @Sendable () async throws -> ImportRules
    private let makeBackup: @Sendable (ServiceStore) async throws -> BackupRoutes
    private let makeParts: @Sendable (ServiceStore) async throws -> Parts
    private let onListening: @Sendable () async -> Void

    /// Prepares a service; nothing is opened yet.
    /// - Parameters:
    ///   - name: the service, for logs, exports and people.
    ///   - socketPath: where to listen; an abandoned socket is replaced.
    ///   - token: what callers must know.
    ///   - onListening: called once, when the service is in its first mode.
    ///   - open: opens the store, for each cycle anew.
    ///   - importRules: says which records an export holds, and what an import may bring; asked when the store is open, and again for
    ///     each import, as a restore brings another key.
    ///   - makeBackup: makes the routes for what it holds beside its records.
    ///   - makeParts: makes the service of normal operation; it may be cancelled.
    package init(
        name: String,
        socketPath: String,
        token: SecretValue?,
        onListening: @escaping @Sendable () async -> Void = {},
        open: @escaping @Sendable () async throws -> ServiceStore,
        importRules: @escaping @Sendable () async throws -> ImportRules,
        makeBackup: @escaping @Sendable (ServiceStore) async throws -> BackupRoutes = { _ in .none },
        makeParts: @escaping @Sendable (ServiceStore) async throws -> Parts
    ) {
        self.name = name
        self.socketPath = socketPath
        self.token = token
        self.open = open
        self.importRules = importRules
        self.makeBackup = makeBackup
        self.makeParts = makeParts
        self.onListening = onListening
    }

    /// Serves until graceful shutdown, which lets running requests end.
    /// - Throws: ``Failure`` when the socket cannot be used, or the store will never be usable by this program.
    package func run() async throws {
        let routes = ModeRoutes(name: name, token: token)
        let responder = SwitchedResponder(routes.closed(.starting, routes: nil))
        let listening = Bell()
        let server = ServiceGroup(
            services: [
                UnixHTTPServer(name: name, socketPath: socketPath, responder: responder) { listening.ring() }
            ],
            logger: Logger.current
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await attempt("serve the \(name)") { try await server.run() } }
            group.addTask {
                do {
                    try await listening.wait(beyond: 0)
                    try await live(ServiceCycle.Place(responder: responder, routes: routes))
                } catch {
                    // The server ends in order, whatever ended the cycles.
                    await server.triggerGracefulShutdown()
                    throw error
                }
            }
            do {
                // The server ends by itself at graceful shutdown, the cycles only by cancellation.
                try await group.next()
                group.cancelAll()
                try await group.waitForAll()
            } catch let error where ErrorChain(error).isCancellation && !Task.isCancelled {
                return
            }
        }
    }

    private func live(_ place: ServiceCycle.Place) async throws {
        var patience = Patience()
        let started = FirstTime(onListening)
        while true {
            do {
                try await cycle(place) { await started.happen() }.run()
                patience.reset()
            } catch {
                place.responder.turn(to: place.routes.closed(.starting, routes: nil))
                try Task.checkCancellation()
                try Self.expectTransient(error)
                Logger.current.error("service must begin again", error: error)
                try await patience.wait()
            }
        }
    }

    private func cycle(
        _ place: ServiceCycle.Place,
        _ onMode: @escaping @Sendable () async -> Void
    ) async throws -> ServiceCycle {
        let store = try await open()
        return ServiceCycle(
            name: name,
            store: store,
            place: place,
            maintenance: MaintenanceRoutes(
                rules: try await importRules(),
                importRules: importRules,
                store: store,
                backup: try await makeBackup(store)
            ),
            makeParts: makeParts,
            onMode: onMode
        )
    }

    private static func expectTransient(_ error: any Error) throws {
        switch StoreError.kind(of: error) {
        case .newerSchema, .corrupted, .invalid: throw error
        default: return
        }
    }
}

/// The waits between cycles that fail.
private struct Patience {
    private var next: Duration = .milliseconds(100)

    mutating func wait() async throws {
        try await Task.sleep(for: next * Double.random(in: 0.8...1.2))
        next = min(next * 2, .seconds(5))
    }

    mutating func reset() {
        self = Patience()
    }
}

/// Something that is done once.
private actor FirstTime {
    private var body: (@Sendable () async -> Void)?

    init(_ body: @escaping @Sendable () async -> Void) {
        self.body = body
    }

    func happen() async {
        let body = self.body
        self.body = nil
        await body?()
    }
}
