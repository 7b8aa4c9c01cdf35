import Base
import Model
import ServiceKit
import TestSupport
import Testing

@testable import ExecutorService

/// The ways in which a task ends before its last step, and what is left of it.
@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct TaskEndingTests {
    @Test(
        "a stopped step may clean up, and the task ends as stopped",
        arguments: [ExecutorConfiguration.DriverKind.host, .sandbox]
    )
    func stopsPolitely(driver: ExecutorConfiguration.DriverKind) async throws {
        try await withExecutor(driver) { service in
            let task = try await service.assign(.sample("trap 'echo bye; exit 3' TERM; echo ready; sleep 1000", "true"))
            await service.waitForLog(task, .step(0), containing: "ready")
            await service.stop(task)
            let status = await service.result(of: task)
            #expect(status.phase == .stopped)
            #expect(status.steps.map(\.phase) == [.stopped, .notstarted])
            #expect(status.steps[0].exitStatus == 3)
            #expect(await service.log(task, .step(0)).contains("bye\n"))
        }
    }

    @Test(
        "a step that will not end is killed after the grace",
        arguments: [ExecutorConfiguration.DriverKind.host, .sandbox]
    )
    func kills(driver: ExecutorConfiguration.DriverKind) async throws {
        try await withExecutor(driver, grace: .milliseconds(200)) { service in
            let task = try await service.assign(.sample("trap '' TERM; echo ready; while :; do sleep 1000; done"))
            await service.waitForLog(task, .step(0), containing: "ready")
            await service.stop(task)
            let status = await service.result(of: task)
            #expect(status.phase == .stopped)
            #expect(status.steps[0].exitStatus == 137)
        }
    }

    @Test(
        "a task that takes too long fails as timed out",
        arguments: [ExecutorConfiguration.DriverKind.host, .sandbox]
    )
    func timesOut(driver: ExecutorConfiguration.DriverKind) async throws {
        try await withExecutor(driver) { service in
            let task = try await service.assign(.sample("sleep 1000", "true", timeout: .milliseconds(300)))
            let status = await service.result(of: task)
            #expect(status.phase == .failed)
            #expect(status.timedOut)
            #expect(status.steps.map(\.phase) == [.failed, .notstarted])
        }
    }

    @Test(
        "processes that a step leaves in the background end with it",
        arguments: [ExecutorConfiguration.DriverKind.host, .sandbox]
    )
    func background(driver: ExecutorConfiguration.DriverKind) async throws {
        let token = "96\(UInt32.random(in: 100_000...999_999))"
        try await withExecutor(driver) { service in
            let task = try await service.assign(
                .sample(
                    "(setsid sleep \(token) &); setsid nohup sleep \(token) >/dev/null 2>&1 & sleep \(token) & echo done"
                )
            )
            #expect(await service.result(of: task).phase == .success)
            #expect(await service.log(task, .step(0)) == "done\n")
            try await eventually("no process is left") { LeftOvers.processes(containing: token) == [] }
        }
    }

    @Test("a task is withdrawn: its processes end at once and its directory goes")
    func withdrawn() async throws {
        let token = "95\(UInt32.random(in: 100_000...999_999))"
        let directory = "\(TemporaryDirectory.path)/data"
        try await withExecutor(.sandbox, in: directory) { service in
            let task = try await service.assign(.sample("echo ready; sleep \(token)"))
            await service.waitForLog(task, .step(0), containing: "ready")
            await service.withdraw(task)
            try await eventually("no process is left") { LeftOvers.processes(containing: token) == [] }
            try await eventually("the directory is gone") { try FileTree.names(in: "\(directory)/tasks") == [] }
        }
    }

    @Test("lost connections and lost answers neither lose nor double a byte or a report")
    func lostConnections() async throws {
        try await withExecutor(.host) { service in
            let task = try await service.assign(.sample("for i in $(seq 3000); do echo line $i; done", "echo end"))
            await service.fail(12)
            let status = await service.result(of: task)
            #expect(status.phase == .success)
            let lines = await service.log(task, .step(0)).split(separator: "\n")
            #expect(lines.count == 3_000)
            #expect(lines.last == "line 3000")
            #expect(await service.complaints == [])
        }
    }

    @Test("a task whose record the disk refuses has failed, with the logs so far")
    func refusedRecord() async throws {
        let directory = "\(TemporaryDirectory.path)/data"
        try await withExecutor(.host, in: directory) { service in
            let id = TaskID.random()
            // What stands in the way of the next record cannot be replaced.
            let task = try await service.assign(
                .sample("echo so far; mkdir \(directory)/tasks/\(id)/task.json.new", "echo never"),
                id: id
            )
            let status = await service.result(of: task)
            #expect(status.phase == .failed && status.failError?.contains("could not keep the task") == true)
            #expect(status.steps.map(\.phase) == [.success, .failed])
            #expect(await service.log(task, .step(0)) == "so far\n")
            #expect(await service.complaints == [])
            try await eventually("the directory is gone") { try FileTree.names(in: "\(directory)/tasks") == [] }
        }
    }

    @Test("a task whose first record the disk refuses has failed before it began")
    func refusedFirstRecord() async throws {
        let directory = "\(TemporaryDirectory.path)/data"
        try await withExecutor(.host, in: directory) { service in
            _ = try await service.executor()
            try FileTree.remove("\(directory)/tasks")
            try FileTree.write([], to: "\(directory)/tasks")
            let status = await service.result(of: try await service.assign(.sample("echo never")))
            #expect(status.phase == .failed && status.steps.map(\.phase) == [.notstarted])
        }
    }

    @Test("a task stopped before it began is reported as cancelled")
    func cancelled() async throws {
        try await withExecutor(.host) { service in
            let executor = try await service.executor()
            let spec = ExecutorTaskSpec(id: .random(), run: .random(), executor: executor, attempt: 1, stop: true)
            let data = ExecutorTaskSpecData.sample("true")
            await service.list(ExecutorTask(spec: spec, specData: data, status: ExecutorTaskStatus(steps: 1)))
            #expect(await service.result(of: spec.id).phase == .cancelled)
        }
    }

    @Test("a full sandbox gives its slot back: many tasks run in few slots, and nothing of them stays")
    func slotsAreReused() async throws {
        let directory = "\(TemporaryDirectory.path)/data"
        let service = ScriptedRunService()
        try await withExecutor(.sandbox, in: directory, service) { service in
            for round in 0..<12 {
                let task = try await service.assign(
                    .sample("test ! -e ~/mark && test ! -e /tmp/mark && touch ~/mark /tmp/mark")
                )
                #expect(await service.result(of: task).phase == .success, "round \(round)")
            }
        }
        #expect(LeftOvers.all(of: try await service.executor(), in: directory, token: "none") == [])
    }
}
