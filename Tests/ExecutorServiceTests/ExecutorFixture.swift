import Base
import Model
import ServiceKit
import TestSupport
import Testing

@testable import ExecutorService

/// Runs an executor in the test's directory for as long as `body` lasts.
func withExecutor(
    _ driver: ExecutorConfiguration.DriverKind,
    in directory: String? = nil,
    _ service: ScriptedRunService = ScriptedRunService(),
    grace: Duration = .seconds(10),
    adjust: (inout ExecutorConfiguration) -> Void = { _ in },
    _ body: @escaping @Sendable (ScriptedRunService) async throws -> Void
) async throws {
    var configuration = ExecutorConfiguration()
    configuration.dataDirectory = directory ?? "\(TemporaryDirectory.path)/data"
    configuration.driver = driver
    configuration.network = .none
    adjust(&configuration)
    let daemon = try ExecutorDaemon(configuration: configuration, link: service, grace: grace)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await daemon.run() }
        group.addTask { try await body(service) }
        try await group.next()
        group.cancelAll()
        try await group.waitForAll()
    }
}

extension ExecutorTaskSpecData {
    /// A task on the host's image whose steps run these commands.
    static func sample(
        _ commands: String...,
        tty: Bool = false,
        secrets: [String] = [],
        timeout: Duration? = nil,
        adjust: (inout TaskDefinition) -> Void = { _ in }
    ) -> Self {
        var task = TaskDefinition(
            id: .random(),
            name: "sample",
            runtime: TaskRuntime(containers: [ContainerDefinition(image: "host")])
        )
        task.steps = commands.map { .run(RunStep(name: $0, command: $0, tty: tty)) }
        task.timeout = timeout.map { WireDuration($0) }
        adjust(&task)
        var definition = RunDefinition(id: .random(), name: "run", group: "/project/p")
        definition.secrets = secrets.map { SecretValue($0) }
        return ExecutorTaskSpecData(task: task, definition: definition, runNumber: 7)
    }
}
