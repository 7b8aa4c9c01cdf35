import Base
import HTTPTransport
import HTTPTypes
import Model
import ServiceKit
import TestSupport
import Testing

@testable import ExecutorService

/// The life of a task with real processes, the same for every driver.
@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct TaskLifeTests {
    private typealias Driver = ExecutorConfiguration.DriverKind

    @Test(
        "steps run one after another, share their files, and every byte of their logs arrives",
        arguments: [Driver.host, .sandbox]
    )
    func runsSteps(driver: ExecutorConfiguration.DriverKind) async throws {
        try await withExecutor(driver) { service in
            let task = try await service.assign(.sample("echo one > file; pwd", "cat file; echo two >&2"))
            let status = await service.result(of: task)
            #expect(status.phase == .success)
            #expect(status.steps.map(\.exitStatus) == [0, 0])
            #expect(status.setupStep.phase == .success)
            #expect(await service.log(task, .step(0)).hasSuffix("/project\n"))
            #expect(await service.log(task, .step(1)) == "one\ntwo\n")
            #expect(await service.log(task, .setup) != "")
            #expect(await service.complaints == [])
        }
    }

    @Test("a failing step ends the task, and later steps stay untouched", arguments: [Driver.host, .sandbox])
    func failingStep(driver: ExecutorConfiguration.DriverKind) async throws {
        try await withExecutor(driver) { service in
            let task = try await service.assign(.sample("true", "exit 7", "true"))
            let status = await service.result(of: task)
            #expect(status.phase == .failed)
            #expect(status.steps.map(\.phase) == [.success, .failed, .notstarted])
            #expect(status.steps[1].exitStatus == 7)
        }
    }

    @Test("a step with a terminal sees one of 120 columns and controls it", arguments: [Driver.host, .sandbox])
    func terminal(driver: ExecutorConfiguration.DriverKind) async throws {
        try await withExecutor(driver) { service in
            let task = try await service.assign(
                .sample("test -t 0 && test -t 1 && stty size && echo fine > /dev/tty", tty: true)
            )
            #expect(await service.result(of: task).phase == .success)
            #expect(await service.log(task, .step(0)) == "24 120\r\nfine\r\n")
        }
    }

    @Test("the executor answers for its health while it runs")
    func health() async throws {
        let socket = "\(TemporaryDirectory.path)/s"
        try await withExecutor(.host) {
            $0.socketPath = socket
        } _: { service in
            _ = try await service.executor()
            let client = try HTTPClient()
            try await eventually("the executor is ready") {
                guard FileTree.exists(socket) else { return false }
                return try await client.send(HTTPCall(.get, .unix(socket), "/readyz")).status == 204
            }
        }
    }
}
