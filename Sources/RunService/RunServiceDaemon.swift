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
    /// - Throws: ``Failure`` when the socket cannot be used, or the store will never be usable by this program.
    package func run() async throws {
        try await MaintainedService(
            name: "runservice",
            socketPath: configuration.socketPath,
            token: configuration.token,
            onListening: onListening,
            open: {
                try await attempt("open the runservice's store") {
                    try await LocalStore.open(directory: configuration.dataDirectory, projections: [RunReadModel()])
                }
            },
            importRules: { RunExport.rules },
            makeBackup: backup,
            makeParts: parts
        ).run()
    }

    /// What a backup needs beside the records, in every mode.
    private func backup(_ store: ServiceStore) async throws -> BackupRoutes {
        // Opened when a backup needs it: exports work also while the objects cannot be reached.
        let storage = configuration.objectStorage
        let objects = ObjectsOnDemand { try await storage.open() }
        let mark = RestoreMark(directory: configuration.dataDirectory)
        return BackupRoutes(mark: mark) { group, isInMaintenance in
            RunBackupAPI(store: store, objects: objects, mark: mark, isInMaintenance: isInMaintenance)
                .addRoutes(to: group)
        }
    }

    /// The service of normal operation, over a store that was opened for it.
    private func parts(_ store: ServiceStore) async throws -> MaintainedService.Parts {
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
        let lostExecutors = PeriodicLoop("lost executors", every: .seconds(10)) {
            try await scheduler.submit(SchedulerRequest.event(.tick(timeout: timeout)))
        }
        let services: [@Sendable () async throws -> Void] = [
            { try await scheduler.run() }, { try await lostExecutors.run() }, { try await keeping.loop().run() },
        ]
        return MaintainedService.Parts(services: services, addRoutes: routes(store, objects, intake, scheduler))
    }

    private func routes(
        _ store: ServiceStore,
        _ objects: any ObjectStore,
        _ intake: LogIntake,
        _ scheduler: RunScheduler
    ) -> @Sendable (RouterGroup<ServiceContext>) -> Void {
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
        return { routes in
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
