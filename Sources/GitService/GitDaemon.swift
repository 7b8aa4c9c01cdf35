package import ServiceKit
import ServiceLifecycle
import Base
import Glibc
import HTTPTransport
import Store

/// The git server: smart HTTP for hosted repositories and for direct runs, and the announcement of pushes.
package struct GitDaemon: Service {
    private let directoryLock: DirectoryLock
    private let store: ServiceStore
    private let deliveries: DeliveryLoop
    private let settlement: PushSettlement
    private let care: PackCare
    private let server: InternalServer

    /// Opens the data directory and takes up what an earlier service left behind; nothing is served yet.
    /// - Throws: ``Failure`` when the data directory or the gateway's endpoint cannot be used.
    package init(
        configuration: GitServerConfiguration,
        onListening: @escaping @Sendable () async -> Void = {}
    ) async throws {
        // git may stop reading at any moment; that is an error of the write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        let directory = configuration.dataDirectory
        let pool = BlockingPool.shared
        directoryLock = try await pool.run {
            try Repositories.makeDataDirectory(directory)
            let lock = try DirectoryLock(directory, for: "git server")
            try Repositories.prepare(directory)
            return lock
        }
        store = try await LocalStore.open(directory: "\(directory)/outbox", projections: [])
        let key = try await pool.run { try SealingKey(path: "\(directory)/key") }
        let outbox = Outbox(store: store, key: key)
        let git = GitCommand(dataDirectory: directory, maximumPushBytes: configuration.maximumPushBytes)
        let repositories = Repositories(dataDirectory: directory, git: git, pool: pool)
        let objects = GitObjects(git: git)
        let lanes = Lanes<RepositoryPath>()
        let sender = WebhookSender(
            client: try HTTPClient(),
            gateway: try HTTPEndpoint.url(configuration.gateway.url),
            outbox: outbox
        )
        deliveries = DeliveryLoop(outbox: outbox) { try await sender.send($0) }
        settlement = PushSettlement(
            repositories: repositories,
            objects: objects,
            outbox: outbox,
            deliveries: deliveries,
            lanes: lanes
        )
        care = PackCare(git: git, repositories: repositories)
        let receiver = PushReceiver(
            git: git,
            repositories: repositories,
            objects: objects,
            outbox: outbox,
            settlement: settlement,
            care: care,
            lanes: lanes
        )
        let mark = RestoreMark(directory: directory)
        let backend = GitHTTPBackend(
            git: git,
            repositories: repositories,
            objects: objects,
            outbox: outbox,
            receiver: receiver,
            mark: mark,
            lanes: lanes
        )
        let (deliveries, settlement) = (deliveries, settlement)
        let recall: @Sendable () async throws -> Void = {
            try await deliveries.recall()
            try await settlement.recall()
        }
        // Before a restore has ended, the repositories are not here that pushes and deliveries are about.
        if try await mark.backup() == nil { try await recall() }
        let backup = GitBackupAPI(
            repositories: repositories,
            bundles: RepositoryBundles(git: git, repositories: repositories),
            outbox: outbox,
            mark: mark,
            onRestored: recall
        )
        server = InternalServer(
            name: "gitserver",
            socketPath: configuration.socketPath,
            token: configuration.token,
            onListening: onListening,
            addRoutes: {
                backend.addRoutes(to: $0)
                backup.addRoutes(to: $0)
            }
        )
    }

    /// Serves until graceful shutdown or cancellation; pushes that are under way end first.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await store.run() }
            group.addTask { try await deliveries.run() }
            group.addTask { try await settlement.run() }
            group.addTask { try await care.run() }
            group.addTask { try await server.run() }
            // The server ends by itself at graceful shutdown, all others only by cancellation.
            try await group.next()
            group.cancelAll()
        }
    }
}
