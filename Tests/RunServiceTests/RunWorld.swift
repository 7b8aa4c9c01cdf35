import Base
import FoundationEssentials
import Logging
import Model
import ObjectStorage
import RunService
import TestSupport
import Testing

@testable import Store

/// The parts of a runservice in one hand, without its daemon: the test plays the executor and decides when things are kept.
struct RunWorld: Sendable {
    static let executor: ExecutorID = "e"

    let store: ServiceStore
    let authority: HeldAuthority
    let objects: UnsteadyObjects
    let intake: LogIntake
    let queries: RunQueries
    let scheduler: RunScheduler
    let creator: RunCreator
    let removal: RunRemoval

    /// Runs `body` in a world kept in the test's directory.
    static func with(
        seed: UInt64 = 0,
        isCalm: Bool = true,
        name: String = "world",
        _ body: @escaping @Sendable (RunWorld) async throws -> Void
    ) async throws {
        let directory = "\(TemporaryDirectory.path)/\(name)"
        let real = try await LocalStore.open(directory: "\(directory)/store", projections: [RunReadModel()])
        let authority = HeldAuthority(real.authority)
        let store = ServiceStore(store: real.store, authority: authority) { try await real.run() }
        let objects = UnsteadyObjects(try await PosixStore.open(path: "\(directory)/objects"), seed: seed)
        if isCalm { objects.calmDown() }
        let world = RunWorld(
            store: store,
            authority: authority,
            objects: objects,
            intake: try LogIntake(directory: "\(directory)/logs", objects: objects)
        )
        try await world.scheduler.load()
        let log = TestLog()
        defer { log.attach() }
        try await withLogger(log.logger) { _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await world.scheduler.run() }
                defer { group.cancelAll() }
                try await world.scheduler.submit(.event(.executorSeen(executor, registration)))
                try await body(world)
            }
        }
    }

    private static let registration = ExecutorRegistration(
        architectures: ["amd64"],
        labels: [:],
        allowsPrivileged: false,
        activeTasksLimit: 1_000
    )

    private init(store: ServiceStore, authority: HeldAuthority, objects: UnsteadyObjects, intake: LogIntake) {
        self.store = store
        self.authority = authority
        self.objects = objects
        self.intake = intake
        queries = RunQueries(store: store)
        scheduler = RunScheduler(store: store)
        let markers = TaskMarkers(objects: objects, queries: queries)
        creator = RunCreator(queries: queries, scheduler: scheduler, markers: markers)
        removal = RunRemoval(store: store, queries: queries, markers: markers)
    }

    /// Keeps objects as if `time` had passed.
    func keeping(
        _ limits: ObjectKeeping.Limits = .init(caches: nil, trees: [:]),
        after time: Duration = .zero
    ) -> ObjectKeeping {
        ObjectKeeping(store: store, objects: objects, intake: intake, limits: limits) {
            Date().addingTimeInterval(time / .seconds(1))
        }
    }

    /// Creates a run whose tasks have ids of their own.
    func create(_ graph: String) async throws -> Run {
        let group = "/project/p/branch/\(Identifier<Self>.random())"
        let drawn = GraphText.definition(graph, group: group)
        let whole = RunWithDefinition(run: GraphText.run(drawn), definition: drawn)
        return try await creator.create(
            .new(RunRecreation.definition(from: whole, id: .random(), fromStart: true) { _ in .random() })
        )
    }

    func restart(_ run: RunID) async throws -> Run {
        try await creator.create(.restart(run: run, fromStart: false, environment: [:], secrets: []))
    }

    /// Plays the executor until a run has ended: every task writes a log, and those in `failing` fail.
    func finish(_ run: RunID, failing: Set<String>) async throws {
        while let active = try await queries.run(run)?.run, !active.phase.isFinished {
            let work = try await scheduler.work(for: Self.executor, after: -1, until: .after(.zero))
            for task in work.tasks where task.spec.run == run {
                try await end(task, failing.contains(active.tasks[task.spec.id]?.name ?? "") ? .failed : .success)
            }
        }
    }

    // A storage that fails is asked again.
    private func end(_ task: ExecutorTask, _ phase: StepPhase) async throws {
        let bytes = Array("log of \(task.spec.id)".utf8)
        _ = try await intake.append(bytes, at: 0, to: .setup, of: task.spec.id)
        var status = task.status
        status.phase = phase
        status.setupStep.phase = phase
        status.setupStep.logBytes = Int64(bytes.count)
        while true {
            do {
                return try await report(task, status)
            } catch let error as ObjectStorageError where error.kind == .unavailable {
                continue
            }
        }
    }

    /// Reports as the executor does.
    func report(_ task: ExecutorTask, _ status: ExecutorTaskStatus) async throws {
        try await ReportIntake(scheduler: scheduler, intake: intake)
            .take(status, of: task.spec.id, attempt: task.spec.attempt, run: task.spec.run, from: Self.executor)
    }

    /// All runs that are stored.
    func runs() async throws -> [Run] {
        let ids = try await store.read { tx in
            try tx.rows("SELECT id FROM run_list ORDER BY id").map { try $0.text("id") }
        }
        var runs: [Run] = []
        for id in ids {
            if let run = try await queries.run(RunID(id))?.run { runs.append(run) }
        }
        return runs
    }

    /// The names of all objects.
    func names(_ prefix: String = "") async throws -> [String] {
        try await objects.list(prefix: prefix, after: nil).reduce(into: []) { $0.append($1.name) }
    }
}

extension RunWorld {
    /// The same store as another process would have it.
    func other() async throws -> ServiceStore {
        try await LocalStore.open(directory: store.store.directory, projections: [RunReadModel()])
    }
}
