import Base
import FoundationEssentials
import Glibc
import Model
import ServiceKit
import TestSupport
import Testing

@testable import ExecutorService

/// An executor whose disk is full or broken: its tasks fail, the runservice hears of it, and the next task is another matter.
@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct FailingDiskTests {
    private let data = "\(TemporaryDirectory.path)/data"

    @Test("a task that cannot be noted down fails, and the next one runs when the disk is well again")
    func noRecord() async throws {
        try await withExecutor(.host, in: data) { [data] service in
            _ = try await service.executor()
            try FileTree.remove("\(data)/tasks")
            try FileTree.write([], to: "\(data)/tasks")
            let lost = try await service.assign(.sample("echo never"))
            let status = await service.result(of: lost)
            #expect(status.phase == .failed)
            #expect(status.failError?.contains("could not keep the task") == true)
            #expect(status.steps.map(\.phase) == [.notstarted])
            #expect(unlink("\(data)/tasks") == 0)
            let next = try await service.assign(.sample("echo fine"))
            #expect(await service.result(of: next).phase == .success)
            #expect(await service.complaints == [])
        }
    }

    @Test("a task whose progress does not fit on the disk fails before its next step, with the logs so far")
    func noProgress() async throws {
        try await withExecutor(.host, in: data) { [data] service in
            let id = TaskID.random()
            let fill = "ln -s /dev/full \(data)/tasks/\(id)/task.json.new"
            let task = try await service.assign(.sample("echo one; \(fill)", "echo never"), id: id)
            let status = await service.result(of: task)
            #expect(status.phase == .failed)
            #expect(status.failError?.contains("No space left") == true)
            #expect(status.steps.map(\.phase) == [.success, .failed])
            #expect(await service.log(task, .step(0)) == "one\n")
            #expect(await service.log(task, .step(1)) == "")
            try await Self.expectNormal(service, data)
        }
    }

    @Test("a step whose output does not fit on the disk fails its task, and ends", arguments: [false, true])
    func noLog(isLong: Bool) async throws {
        try await withExecutor(.host, in: data) { [data] service in
            let id = TaskID.random()
            let fill = "ln -s /dev/full \(data)/tasks/\(id)/1.log"
            let writer = isLong ? "while true; do echo lost; sleep 0.01; done" : "echo lost"
            let task = try await service.assign(.sample("echo one; \(fill)", writer, "echo never"), id: id)
            let status = await service.result(of: task)
            #expect(status.phase == .failed)
            #expect(status.failError?.contains("No space left") == true)
            #expect(status.steps.map(\.phase) == [.success, .failed, .notstarted])
            #expect(await service.log(task, .step(0)) == "one\n")
            try await Self.expectNormal(service, data)
        }
    }

    @Test("a log that cannot be read any more ends with a line that says so, and its task goes on")
    func unreadableLog() async throws {
        try await withExecutor(.host, in: data) { [data] service in
            let id = TaskID.random()
            let spool = "\(data)/tasks/\(id)/0.log"
            let go = { (number: Int) in "\(data)/go\(number)" }
            let wait = { (number: Int) in "until [ -e \(go(number)) ]; do sleep 0.02; done" }
            let command = "echo one; \(wait(1)); echo two; \(wait(2)); echo three; \(wait(3)); echo four"
            let task = try await service.assign(.sample(command, "echo next"), id: id)
            await service.waitForLog(task, .step(0), containing: "one\n")
            await service.refuseLogs(true)
            try FileTree.write([], to: go(1))
            // The sender holds this piece now, and will send it.
            await service.waitForRefusedLog()
            try FileTree.write([], to: go(2))
            try await eventually("the third line is on the disk", within: .seconds(60)) {
                TaskDirectory.length(of: spool) == Int64("one\ntwo\nthree\n".utf8.count)
            }
            #expect(truncate(spool, 0) == 0)
            await service.refuseLogs(false)
            await service.waitForLog(task, .step(0), containing: "lost")
            try FileTree.write([], to: go(3))
            let status = await service.result(of: task)
            #expect(status.phase == .success)
            let log = await service.log(task, .step(0))
            #expect(log.hasPrefix("one\ntwo\nmartlet: the rest of this log is lost"))
            #expect(status.steps[0].logBytes == Int64(log.utf8.count))
            #expect(await service.log(task, .step(1)) == "next\n")
            #expect(await service.complaints == [])
        }
    }

    @Test("a task of an earlier process fails with what the runservice has when nothing of it can be read")
    func unreadableRecovery() async throws {
        let id = TaskID.random()
        var status = ExecutorTaskStatus(steps: 2)
        status.phase = .running
        status.setupStep.phase = .success
        status.setupStep.logBytes = 0
        status.steps[0].phase = .running
        let executor = ExecutorID.random()
        try FileTree.makeDirectory("\(data)/tasks/\(id)/0.log")
        try FileTree.write(Array("\(executor)\n".utf8), to: "\(data)/id")
        let record = TaskRecord(task: id, run: "run", attempt: 1, status: status)
        try TaskDirectory(id, in: data).write(record)
        let service = ScriptedRunService()
        let spec = ExecutorTaskSpec(id: id, run: "run", executor: executor, attempt: 1)
        await service.list(ExecutorTask(spec: spec, status: status))
        await service.setLog(id, .step(0), "half a li")
        try await withExecutor(.host, in: data, service) { [data] service in
            let final = await service.result(of: id)
            #expect(final.phase == .failed)
            #expect(final.steps.map(\.phase) == [.failed, .notstarted])
            #expect(final.steps[0].logBytes == 9)
            try await Self.expectNormal(service, data)
        }
    }

    /// The executor goes on, and leaves nothing.
    private static func expectNormal(_ service: ScriptedRunService, _ data: String) async throws {
        let next = try await service.assign(.sample("echo fine"))
        #expect(await service.result(of: next).phase == .success)
        #expect(await service.log(next, .step(0)) == "fine\n")
        #expect(await service.complaints == [])
        try await eventually("the tasks' directories are gone", within: .seconds(60)) {
            try FileTree.names(in: "\(data)/tasks") == []
        }
    }
}
