import Base
import FoundationEssentials
import HTTPTransport
import Model
import ObjectStorage
import RunService
import ServiceKit
import TestSupport
import Testing
import WorkerClients

/// A running runservice with its client; the test plays the executors.
struct RunServiceFixture: Sendable {
    let client: RunServiceClient
    let connection: ServiceConnection

    /// Runs `body` beside a runservice in the test's directory; a second call on the same directory finds what the first one left.
    static func with<Value>(
        executorTimeout: Duration = .seconds(60),
        adjust: (inout RunServiceConfiguration) -> Void = { _ in },
        _ body: (RunServiceFixture) async throws -> Value
    ) async throws -> Value {
        var configuration = RunServiceConfiguration()
        configuration.dataDirectory = "\(TemporaryDirectory.path)/runservice"
        configuration.objectStorage = .init(path: "\(TemporaryDirectory.path)/objects")
        configuration.socketPath = "\(TemporaryDirectory.path)/r.sock"
        configuration.executorTimeout = executorTimeout
        adjust(&configuration)
        let client = try HTTPClient()
        defer { client.shutdown() }
        let connection = ServiceConnection(client: client, endpoint: .unix(configuration.socketPath), token: nil)
        return try await TestService.with { onListening in
            RunServiceDaemon(configuration: configuration, onListening: onListening)
        } _: {
            try await body(RunServiceFixture(client: RunServiceClient(connection: connection), connection: connection))
        }
    }

    /// Creates a run of a graph drawn as text.
    func create(_ graph: String, group: String = "/project/p/branch/main") async throws -> Run {
        try await client.create(.new(Self.definition(graph, group: group)))
    }

    /// A new definition of a graph drawn as text.
    static func definition(_ graph: String, group: String = "/project/p/branch/main") -> RunDefinition {
        let drawn = GraphText.definition(graph, group: group)
        // Task ids are unique over all runs.
        let prefix = Identifier<Self>.random().text
        let whole = RunWithDefinition(run: GraphText.run(drawn), definition: drawn)
        return RunRecreation.definition(from: whole, id: .random(), fromStart: true) { TaskID("\(prefix)-\($0)") }
    }

    /// The run as it is now.
    func run(_ id: RunID) async throws -> Run {
        try await client.run(id).run
    }
}

/// An executor played by the test.
struct PlayedExecutor: Sendable {
    let id: ExecutorID
    let client: RunServiceClient

    init(_ id: ExecutorID, _ fixture: RunServiceFixture, slots: Int = 4) async throws {
        self.id = id
        client = fixture.client
        try await register(slots: slots)
    }

    func register(slots: Int = 4) async throws {
        try await client.register(
            id,
            ExecutorRegistration(
                architectures: ["amd64"],
                labels: [:],
                allowsPrivileged: false,
                activeTasksLimit: slots
            )
        )
    }

    /// Waits until the executor holds `count` tasks.
    func work(holding count: Int) async throws -> [ExecutorTask] {
        var version: Int64 = 0
        for _ in 0..<100 {
            let work = try await client.work(for: id, after: version, timeout: .seconds(10))
            if work.tasks.count == count { return work.tasks }
            version = work.version
        }
        Issue.record("executor \(id) never held \(count) tasks")
        return []
    }

    func report(_ task: ExecutorTask, _ phase: StepPhase, logBytes: Int64? = nil) async throws {
        var status = task.status
        status.phase = phase
        status.startTime = Date()
        if phase.isFinished { status.endTime = Date() }
        for index in status.steps.indices {
            status.steps[index].phase = phase
            status.steps[index].logBytes = logBytes
        }
        try await client.report(task.spec.id, attempt: task.spec.attempt, status: status, from: id)
    }

    @discardableResult
    func send(_ text: String, at offset: Int64, of task: ExecutorTask, attempt: Int? = nil) async throws -> Int64 {
        try await client.sendLog(
            task.spec.id,
            attempt: attempt ?? task.spec.attempt,
            log: .step(0),
            offset: offset,
            bytes: Array(text.utf8),
            from: id
        )
        .offset
    }
}

/// What a service answered instead of a result.
func refusal(_ call: () async throws -> some Any) async -> RemoteError? {
    do {
        _ = try await call()
        return nil
    } catch {
        return ErrorChain(error).first(RemoteError.self)
    }
}
