import Base
import Foundation
import HTTPTransport
import Model
import TestSupport
import Testing
import WorkerClients

@Suite("What is removed", .temporaryDirectory, .timeLimit(.minutes(5)))
struct RemovalTests {
    @Test("a run that has ended is gone with its logs and archives, and its number is not given again")
    func run() async throws {
        try await RunServiceFixture.with { service in
            let executor = try await PlayedExecutor("e", service)
            let run = try await service.create("a")
            let living = await refusal { try await service.client.remove(run.id) }
            #expect(living?.code == "runNotEnded")
            let task = try await executor.work(holding: 1)[0]
            try await executor.send("hello", at: 0, of: task)
            try await service.storage(of: task, executor).saveArchive(ofStep: 0, .bytes([1, 2, 3]))
            try await executor.report(task, .success, logBytes: 5)
            #expect(
                try await service.objectNames() == [
                    "logs/\(task.spec.id)/data/steps/0.log", "logs/\(task.spec.id)/runs/\(run.id)",
                    "workspacearchives/\(task.spec.id)/data/0.tar", "workspacearchives/\(task.spec.id)/runs/\(run.id)",
                ]
            )
            try await service.client.remove(run.id)
            #expect(try await service.objectNames() == [])
            #expect(try await service.client.runs(RunQuery(group: "/project/p")).runs == [])
            for gone in [
                await refusal { try await service.client.run(run.id) },
                await refusal { try await service.client.remove(run.id) },
                await refusal { try await service.client.log(.step(0), of: task.spec.id, run: run.id) },
            ] {
                #expect(gone?.code == "runDoesNotExist")
            }
            #expect(try await service.create("a").number == 2)
        }
    }

    @Test("a run that never started or was cancelled can be removed, too")
    func neverStarted() async throws {
        try await RunServiceFixture.with { service in
            let first = try await service.create("a")
            let queued = try await service.create("a")
            try await service.client.act(.cancel, on: queued.id)
            try await service.client.remove(queued.id)
            #expect(try await service.client.runs(RunQuery(group: "/project/p")).runs.map(\.id) == [first.id])
        }
    }

    @Test("a log of an ended task is gone alone; one that still grows, or is not there, is refused")
    func log() async throws {
        try await RunServiceFixture.with { service in
            let client = service.client
            let executor = try await PlayedExecutor("e", service)
            let run = try await service.create("a")
            let task = try await executor.work(holding: 1)[0]
            let id = task.spec.id
            try await executor.report(task, .running)
            try await executor.send("hello", at: 0, of: task)
            for selector in [LogSelector.step(0), .setup] {
                let early = await refusal { try await client.removeLog(selector, of: id, run: run.id) }
                #expect(early?.kind == .badRequest)
                #expect(early?.code == "logNotComplete")
            }
            _ = try await client.sendLog(
                id,
                attempt: task.spec.attempt,
                log: .setup,
                offset: 0,
                bytes: [1, 2],
                from: executor.id
            )
            try await executor.report(task, .success, logBytes: 5)
            try await client.removeLog(.setup, of: id, run: run.id)
            let gone = await refusal { try await client.log(.setup, of: id, run: run.id) }
            #expect(gone?.kind == .notExist)
            #expect(gone?.message == "This log doesn't exist.")
            #expect(try await client.log(.step(0), of: id, run: run.id).collect() == Array("hello".utf8))
            for missing in [
                await refusal { try await client.removeLog(.setup, of: id, run: run.id) },
                await refusal { try await client.removeLog(.step(1), of: id, run: run.id) },
                await refusal { try await client.removeLog(.step(0), of: "no-task", run: run.id) },
            ] {
                #expect(missing?.code == "logDoesNotExist")
            }
            try await client.removeLog(.step(0), of: id, run: run.id)
            let step = await refusal { try await client.log(.step(0), of: id, run: run.id) }
            #expect(step?.code == "logDoesNotExist")
            let unknown = await refusal { try await client.removeLog(.setup, of: id, run: "no-run") }
            #expect(unknown?.code == "runDoesNotExist")
        }
    }

    @Test("what an executor left that is lost goes with its run, also when the service was started again meanwhile")
    func lostExecutor() async throws {
        let (run, task) = try await RunServiceFixture.with { service in
            let executor = try await PlayedExecutor("e", service)
            let run = try await service.create("a")
            let task = try await executor.work(holding: 1)[0]
            try await executor.send("half a li", at: 0, of: task)
            return (run, task)
        }
        // A log of a task that nobody knows is left alone at the start: what it belongs to may still be imported.
        let stray = "\(TemporaryDirectory.path)/runservice/logs/stray"
        try FileManager.default.createDirectory(atPath: stray, withIntermediateDirectories: true)
        try Data("x".utf8).write(to: URL(filePath: "\(stray)/setup.log"))
        try await RunServiceFixture.with { service in
            try await service.client.delete("e")
            try await eventually("the log is an object", within: .seconds(30)) {
                try await service.objectNames() == [
                    "logs/\(task.spec.id)/data/steps/0.log", "logs/\(task.spec.id)/runs/\(run.id)",
                ]
            }
            try await service.client.remove(run.id)
            #expect(try await service.objectNames() == [])
            #expect(FileManager.default.fileExists(atPath: "\(stray)/setup.log"))
        }
    }
}
