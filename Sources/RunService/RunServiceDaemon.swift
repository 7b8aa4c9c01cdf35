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
            rules: RunExport.rules,
            onListening: onListening,
            open: {
                try await attempt("open the runservice's store") {
                    try await LocalStore.open(directory: configuration.dataDirectory, projections: [RunReadModel()])
                }
            },
            makeParts: parts
        ).run()
    }

    /// The service of normal operation, over a store that was opened for it.
    private func parts(_ store: ServiceStore) async throws -> MaintainedService.Parts {
        let objects = try await PosixStore.open(path: configuration.objectStoragePath)
        let intake = try LogIntake(directory: configuration.dataDirectory + "/logs", objects: objects)
        let scheduler = RunScheduler(store: store, onTaskEnded: { await Self.sealLost($0, intake) })
        try await scheduler.load()
        for task in Set(try await intake.tasks()).subtracting(await scheduler.assignedTasks) {
            await Self.sealLost(task, intake)
        }
        let timeout = Double(configuration.executorTimeout.components.seconds)
        let lostExecutors = PeriodicLoop("lost executors", every: .seconds(10)) {
            try await scheduler.submit(SchedulerRequest.event(.tick(timeout: timeout)))
        }
        let runs = runAPI(store, objects, intake, scheduler)
        return MaintainedService.Parts(services: [{ try await scheduler.run() }, { try await lostExecutors.run() }]) {
            routes in
            let group = routes.group("api/v1alpha")
            runs.addRoutes(to: group)
            ExecutorAPI(scheduler: scheduler, intake: intake).addRoutes(to: group)
        }
    }

    private func runAPI(
        _ store: ServiceStore,
        _ objects: any ObjectStore,
        _ intake: LogIntake,
        _ scheduler: RunScheduler
    ) -> RunAPI {
        let queries = RunQueries(store: store)
        return RunAPI(
            creator: RunCreator(queries: queries, scheduler: scheduler),
            queries: queries,
            scheduler: scheduler,
            logs: LogReader(intake: intake, objects: objects, queries: queries),
            events: RunEventFeed(store: store)
        )
    }

    // A task whose executor is lost has no more log than what came.
    private static func sealLost(_ task: TaskID, _ intake: LogIntake) async {
        do {
            try await intake.seal(task, sizes: nil)
        } catch {
            Logger.current.error("cannot store the logs of an ended task", error: error, metadata: ["task": "\(task)"])
        }
    }
}
