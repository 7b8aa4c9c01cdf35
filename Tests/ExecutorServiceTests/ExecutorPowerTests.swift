import Base
import Foundation
import Glibc
import Model
import ServiceKit
import TestSupport
import Testing

@testable import ExecutorService

/// An executor whose host loses its power right after a step began.
@Suite(
    .temporaryDirectory,
    .timeLimit(.minutes(5)),
    .enabled("needs root and loop devices") { await HeldFileSystem.isPossible() }
)
struct ExecutorPowerTests {
    @Test("a task whose first step began just before the power failed is known afterwards, and runs never again")
    func powerCut() async throws {
        let disk = try await HeldFileSystem(.ext4, bytes: 64 << 20, in: TemporaryDirectory.path)
        defer { disk.end() }
        let path = disk.path
        let evidence = "\(TemporaryDirectory.path)/evidence"
        let id = TaskID("11111111-2222-3333-4444-666666666666")
        try await Self.makeIdentity(in: "\(path)/data")
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, evidence = evidence as String, id = id as TaskID] in
            try await withExecutor(.host, in: "\(path)/data") { service in
                _ = try await service.assign(.sample("echo begun >> \(evidence); sleep 1000"), id: id)
                while access(evidence, F_OK) != 0 { try await Task.sleep(for: .milliseconds(1)) }
                try HeldFileSystem.cutPower(at: path)
                kill(getpid(), SIGKILL)
            }
        }
        try await eventually("nobody uses the disk", within: .seconds(60)) { Self.users(of: evidence) == [] }
        try await disk.restart()
        // The runservice lost the power, too: it never heard that the task began.
        let executor = ExecutorID(
            String(decoding: try FileTree.read("\(path)/data/id"), as: UTF8.self).trimmingCharacters(in: .newlines)
        )
        let service = ScriptedRunService()
        let data = ExecutorTaskSpecData.sample("echo again >> \(evidence)")
        let spec = ExecutorTaskSpec(id: id, run: .random(), executor: executor, attempt: 1)
        await service.list(ExecutorTask(spec: spec, specData: data, status: ExecutorTaskStatus(steps: 1)))
        try await withExecutor(.host, in: "\(path)/data", service) { service in
            let status = await service.result(of: id)
            #expect(status.phase == .failed && status.failError == "executor restarted")
        }
        #expect(try String(contentsOfFile: evidence, encoding: .utf8) == "begun\n")
    }

    @Test("a record that the disk does not take fails the task before its first step")
    func failingSync() async throws {
        let evidence = "\(TemporaryDirectory.path)/evidence"
        let data = "\(TemporaryDirectory.path)/data"
        await #expect(processExitsWith: .success) { [evidence = evidence as String, data = data as String] in
            setenv("MARTLET_FAILPOINTS", "task.sync=EIO", 1)
            try await withExecutor(.host, in: data) { service in
                let task = try await service.assign(.sample("touch \(evidence)"))
                let status = await service.result(of: task)
                #expect(status.phase == .failed && status.steps.map(\.phase) == [.notstarted])
                #expect(status.failError?.contains("could not keep the task") == true)
            }
        }
        #expect(access(evidence, F_OK) != 0)
    }

    /// An executor that ran before: nothing is synced any more for its name.
    private static func makeIdentity(in directory: String) async throws {
        try await BlockingPool.shared.run { _ = try ExecutorIdentity.load(from: directory) }
    }

    private static func users(of evidence: String) -> [String] {
        ProcessTable.all().compactMap { pid in
            // A process may end at any moment.
            guard let bytes = try? FileTree.read("/proc/\(pid)/cmdline") else { return nil }
            let line = String(decoding: bytes.map { $0 == 0 ? 32 : $0 }, as: UTF8.self)
            return line.contains(evidence) && !line.contains("xctest") ? line : nil
        }
    }
}
