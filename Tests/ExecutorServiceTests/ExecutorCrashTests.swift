import Base
import Foundation
import Glibc
import Model
import ServiceKit
import TestSupport
import Testing

@testable import ExecutorService

/// An executor process killed in the middle: nothing of it stays, and its task fails once instead of running twice.
@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct ExecutorCrashTests {
    @Test(
        "a killed executor's task is failed by the next one with all of its log, runs never again, and leaves nothing",
        arguments: ["host", "sandbox"]
    )
    func killed(driver: String) async throws {
        let directory = "\(TemporaryDirectory.path)/data"
        let token = "98\(UInt32.random(in: 100_000...999_999))"
        let id = TaskID("11111111-2222-3333-4444-555555555555")
        let kind = try #require(ExecutorConfiguration.DriverKind(rawValue: driver))
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [directory = directory as String, token = token as String, id = id as TaskID, driver = driver as String] in
            let kind = try #require(ExecutorConfiguration.DriverKind(rawValue: driver))
            try await withExecutor(kind, in: directory) { service in
                let command = "echo begun; (setsid sleep \(token) &) ; setsid nohup sleep \(token) & sleep \(token)"
                _ = try await service.assign(.sample(command, "echo never"), id: id)
                await service.waitForLog(id, .step(0), containing: "begun")
                kill(getpid(), SIGKILL)
            }
        }
        try await eventually("the processes of the task are gone") { LeftOvers.processes(containing: token) == [] }
        let executor = ExecutorID(
            String(decoding: try FileTree.read("\(directory)/id"), as: UTF8.self).trimmingCharacters(in: .newlines)
        )
        let service = ScriptedRunService()
        let data = ExecutorTaskSpecData.sample("echo begun again", "echo never")
        let spec = ExecutorTaskSpec(id: id, run: .random(), executor: executor, attempt: 1)
        var status = ExecutorTaskStatus(steps: 2)
        status.phase = .running
        await service.list(ExecutorTask(spec: spec, specData: data, status: status))
        // The last bytes were acknowledged or not: here the first three were.
        await service.setLog(id, .step(0), "beg")
        try await withExecutor(kind, in: directory, service) { service in
            let status = await service.result(of: id)
            #expect(status.phase == .failed)
            #expect(status.failError == "executor restarted")
            #expect(status.setupStep.phase == .success)
            #expect(status.steps.map(\.phase) == [.failed, .notstarted])
            #expect(await service.log(id, .step(0)) == "begun\n")
            #expect(await service.complaints == [])
            try await eventually("the task's directory is gone") { try FileTree.names(in: "\(directory)/tasks") == [] }
            // It is still listed by an answer from before the end, and must not begin now.
            let other = try await service.assign(.sample("true"))
            #expect(await service.result(of: other).phase == .success)
            #expect(await service.log(id, .step(0)) == "begun\n")
        }
        #expect(LeftOvers.all(of: executor, in: directory, token: token) == [])
    }

    @Test(
        "a stopped executor leaves nothing but the record by which its task fails later",
        arguments: ["host", "sandbox"]
    )
    func stopped(driver: String) async throws {
        let directory = "\(TemporaryDirectory.path)/data"
        let token = "97\(UInt32.random(in: 100_000...999_999))"
        let kind = try #require(ExecutorConfiguration.DriverKind(rawValue: driver))
        let service = ScriptedRunService()
        try await withExecutor(kind, in: directory, service) { service in
            let task = try await service.assign(.sample("echo begun; (setsid sleep \(token) &); sleep \(token)"))
            await service.waitForLog(task, .step(0), containing: "begun")
        }
        let executor = try await service.executor()
        #expect(LeftOvers.all(of: executor, in: directory, token: token) == [])
        #expect(try FileTree.names(in: "\(directory)/tasks").count == 1)
    }

    @Test("a task whose logs lost their ends with the power is brought to its end with what is left of them")
    func lostLogBytes() async throws {
        let directory = "\(TemporaryDirectory.path)/data"
        let (id, executor, service) = (TaskID.random(), ExecutorID.random(), ScriptedRunService())
        var status = ExecutorTaskStatus(steps: 3)
        status.phase = .running
        status.setupStep.phase = .success
        status.setupStep.logBytes = 0
        for (index, bytes) in [12, 20].enumerated() {
            status.steps[index].phase = .success
            status.steps[index].logBytes = Int64(bytes)
        }
        let spec = ExecutorTaskSpec(id: id, run: .random(), executor: executor, attempt: 1)
        try FileTree.makeDirectory(directory)
        try FileTree.write(Array("\(executor)".utf8), to: "\(directory)/id")
        let task = try TaskDirectory(id, in: directory)
        try task.create(TaskRecord(task: id, run: spec.run, attempt: 1, status: status))
        // Of the first log the runservice has more than the disk, of the second the disk has nothing at all.
        try FileTree.write(Array("so f".utf8), to: task.logPath(.step(0)))
        await service.setLog(id, .step(0), "so far")
        await service.setLog(id, .step(1), "and on")
        let data = ExecutorTaskSpecData.sample("true", "true", "true")
        await service.list(ExecutorTask(spec: spec, specData: data, status: status))
        try await withExecutor(.host, in: directory, service) { service in
            let end = await service.result(of: id)
            #expect(end.phase == .failed && end.steps.map(\.logBytes) == [6, 6, nil])
            #expect(end.steps.map(\.phase) == [.success, .success, .notstarted])
            #expect(await service.log(id, .step(0)) == "so far")
            #expect(await service.complaints == [])
        }
    }

    @Test("two executors cannot share a data directory")
    func sharedDirectory() async throws {
        let directory = "\(TemporaryDirectory.path)/data"
        try await withExecutor(.host, in: directory) { service in
            _ = try await service.executor()
            await #expect(throws: Failure.self) {
                try await withExecutor(.host, in: directory) { _ = try await $0.executor() }
            }
        }
    }
}

/// What an executor could leave on a host.
enum LeftOvers {
    /// Everything that is there, as text.
    static func all(of executor: ExecutorID, in directory: String, token: String) -> [String] {
        let mounts = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
        return processes(containing: token) + groups(of: executor)
            + mounts.split(separator: "\n").map(String.init).filter { $0.contains(directory) }
            + ((try? FileTree.names(in: "\(directory)/places")) ?? [])
    }

    /// The command lines that hold a token; zombies have none.
    static func processes(containing token: String) -> [String] {
        ProcessTable.all().compactMap { pid in
            guard let bytes = try? FileTree.read("/proc/\(pid)/cmdline") else { return nil }
            let line = String(decoding: bytes.map { $0 == 0 ? 32 : $0 }, as: UTF8.self)
            return line.contains("sleep \(token)") && !line.contains("xctest") ? line : nil
        }
    }

    private static func groups(of executor: ExecutorID) -> [String] {
        ["memory", "pids", "unified"].map { "/sys/fs/cgroup/\($0)/martlet-\(executor)" }.filter { FileTree.exists($0) }
    }
}
