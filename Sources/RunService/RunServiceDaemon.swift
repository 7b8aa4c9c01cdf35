import Base
import Hummingbird
import Logging
import Model
package import ServiceKit
import ServiceLifecycle
import Store
import ObjectStorage

/// The runservice: runs, scheduling, executors and logs.
package struct RunServiceDaemon: Service {
    private let configuration: RunServiceConfiguration
    private let onListening: @Sendable () async -> Void

    /// Prepares the service; nothing is opened yet.
    /// - Parameters:
    ///   - configuration: where it keeps things and listens.
    ///   - onListening: called once requests are accepted.
    package init(configuration: RunServiceConfiguration, onListening: @escaping @Sendable () async -> Void = {}) {
        self.configuration = configuration
        self.onListening = onListening
    }

    /// Serves until graceful shutdown.
    /// - Throws: ``Failure`` when the store, the object storage or the socket cannot be used.
    package func run() async throws {
        let store = try await attempt("open the runservice's store") {
            try await LocalStore.open(directory: configuration.dataDirectory, projections: [RunReadModel()])
        }
        let objects = try await configuration.objectStorage.open()
        let intake = try LogIntake(directory: configuration.dataDirectory + "/logs", objects: objects)
        let queries = RunQueries(store: store)
        let scheduler = RunScheduler(store: store, onTaskEnded: { await Self.sealLost($0, intake, queries) })
        try await scheduler.load()
        for task in Set(try await intake.tasks()).subtracting(await scheduler.assignedTasks) {
            await Self.sealLost(task, intake, queries)
        }
        let keeping = ObjectKeeping(store: store, objects: objects, intake: intake, limits: .init(configuration))
        let timeout = Double(configuration.executorTimeout.components.seconds)
        let group = ServiceGroup(
            services: [
                BackgroundService { try await store.run() },
                BackgroundService { try await scheduler.run() },
                PeriodicLoop("lost executors", every: .seconds(10)) {
                    try await scheduler.submit(SchedulerRequest.event(.tick(timeout: timeout)))
                },
                keeping.loop(),
                server(store, objects, intake, scheduler),
            ],
            logger: Logger.current
        )
        try await attempt("serve the runservice") { try await group.run() }
    }

    private func server(
        _ store: ServiceStore,
        _ objects: any ObjectStore,
        _ intake: LogIntake,
        _ scheduler: RunScheduler
    ) -> InternalServer {
        let queries = RunQueries(store: store)
        let markers = TaskMarkers(objects: objects, queries: queries)
        let logs = LogReader(intake: intake, objects: objects, queries: queries)
        let runs = RunAPI(
            creator: RunCreator(queries: queries, scheduler: scheduler, markers: markers),
            queries: queries,
            scheduler: scheduler,
            removal: RunRemoval(store: store, queries: queries, markers: markers),
            logs: logs,
            logRemoval: LogRemoval(reader: logs, intake: intake, objects: objects),
            events: RunEventFeed(store: store)
        )
        return InternalServer(
            name: "runservice",
            socketPath: configuration.socketPath,
            token: configuration.token,
            onListening: onListening
        ) { routes in
            let group = routes.group("api/v1alpha")
            runs.addRoutes(to: group)
            ExecutorAPI(scheduler: scheduler, intake: intake).addRoutes(to: group)
            ArchiveAPI(
                scheduler: scheduler,
                queries: queries,
                objects: objects,
                limit: configuration.maximumArchiveBytes
            ).addRoutes(to: group)
        }
    }

    // A task whose executor is lost has no more log than what came. What belongs to no run is left to the keeping of objects.
    private static func sealLost(_ task: TaskID, _ intake: LogIntake, _ queries: RunQueries) async {
        do {
            let runs = try await queries.runs(with: task)
            if !runs.isEmpty { try await intake.seal(task, of: runs, sizes: nil) }
        } catch {
            Logger.current.error("cannot store the logs of an ended task", error: error, metadata: ["task": "\(task)"])
        }
    }
}

extension ObjectKeeping.Limits {
    /// The limits of a configuration, where zero means for ever.
    fileprivate init(_ configuration: RunServiceConfiguration) {
        let trees: [RunObjects.Tree: Duration] = [
            .logs: configuration.runLogExpireInterval, .archives: configuration.runWorkspaceExpireInterval,
        ]
        let caches = configuration.runCacheExpireInterval
        self.init(caches: caches > .zero ? caches : nil, trees: trees.filter { $0.value > .zero })
    }
}
