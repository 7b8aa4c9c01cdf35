import Base
import FoundationEssentials
import HTTPTransport
import Model
import TestSupport
import Testing
import WorkerClients

@Suite("A log", .temporaryDirectory, .timeLimit(.minutes(5)))
struct RunLogTests {
    @Test("is read from any byte, while it grows and when it is complete")
    func offsets() async throws {
        try await RunServiceFixture.with { service in
            let (run, executor, task) = try await Self.start(service)
            try await executor.send("hello ", at: 0, of: task)
            try await executor.send("world", at: 6, of: task)
            #expect(try await Self.read(service, run, task, from: 6) == "world")
            try await executor.report(task, .success, logBytes: 11)
            #expect(try await Self.read(service, run, task, from: 0) == "hello world")
            #expect(try await Self.read(service, run, task, from: 9) == "ld")
            #expect(try await Self.read(service, run, task, from: 99) == "")
        }
    }

    @Test("is followed until its step has ended")
    func follow() async throws {
        try await RunServiceFixture.with { service in
            let (run, executor, task) = try await Self.start(service)
            try await executor.send("1", at: 0, of: task)
            let reply = try await service.client.log(.step(0), of: task.spec.id, run: run.id, follow: true)
            let pieces = reply.body.makeAsyncIterator()
            #expect(try await pieces.next() == Array("1".utf8))
            try await executor.send("2", at: 1, of: task)
            #expect(try await pieces.next() == Array("2".utf8))
            try await executor.report(task, .success, logBytes: 2)
            #expect(try await pieces.next() == nil)
        }
    }

    @Test("of a running step is followed before its first byte")
    func followEarly() async throws {
        try await RunServiceFixture.with { service in
            let (run, executor, task) = try await Self.start(service)
            try await executor.report(task, .running)
            let reply = try await service.client.log(.step(0), of: task.spec.id, run: run.id, follow: true)
            let pieces = reply.body.makeAsyncIterator()
            try await executor.send("1", at: 0, of: task)
            #expect(try await pieces.next() == Array("1".utf8))
            try await executor.report(task, .success, logBytes: 1)
            #expect(try await pieces.next() == nil)
        }
    }

    @Test("takes a piece twice without harm, and refuses one that leaves a gap with the byte to go on at")
    func resending() async throws {
        try await RunServiceFixture.with { service in
            let (run, executor, task) = try await Self.start(service)
            #expect(try await executor.send("abc", at: 0, of: task) == 3)
            #expect(try await executor.send("abc", at: 0, of: task) == 3)
            #expect(try await executor.send("bcd", at: 1, of: task) == 4)
            let gap = await refusal { try await executor.send("x", at: 9, of: task) }
            #expect(gap?.code == "logOffsetMismatch")
            #expect(gap?.details["offset"] == "4")
            #expect(try await Self.read(service, run, task, from: 0) == "abcd")
        }
    }

    @Test("that has not arrived whole keeps its task from ending")
    func incomplete() async throws {
        try await RunServiceFixture.with { service in
            let (run, executor, task) = try await Self.start(service)
            try await executor.send("abc", at: 0, of: task)
            let early = await refusal { try await executor.report(task, .success, logBytes: 5) }
            #expect(early?.code == "logIncomplete")
            #expect(early?.details["offset"] == "3")
            #expect(try await service.run(run.id).phase == .running)
            try await executor.send("de", at: 3, of: task)
            try await executor.report(task, .success, logBytes: 5)
            #expect(try await service.run(run.id).phase == .finished)
        }
    }

    @Test("that does not exist, or whose task does not, is a 404")
    func missing() async throws {
        try await RunServiceFixture.with { service in
            let (run, _, task) = try await Self.start(service)
            let log = service.client
            for missing in [
                await refusal { try await log.log(.step(0), of: task.spec.id, run: run.id) },
                await refusal { try await log.log(.step(7), of: task.spec.id, run: run.id) },
                await refusal { try await log.log(.setup, of: "no-task", run: run.id) },
            ] {
                #expect(missing?.kind == .notExist)
                #expect(missing?.message == "This log doesn't exist.")
            }
            let unknown = await refusal { try await log.log(.setup, of: task.spec.id, run: "no-run") }
            #expect(unknown?.code == "runDoesNotExist")
        }
    }

    @Test("without a byte is an empty log once its step has run")
    func empty() async throws {
        try await RunServiceFixture.with { service in
            let (run, executor, task) = try await Self.start(service)
            try await executor.report(task, .success, logBytes: 0)
            #expect(try await Self.read(service, run, task, from: 0) == "")
        }
    }

    private static func start(
        _ service: RunServiceFixture
    ) async throws -> (run: Run, executor: PlayedExecutor, task: ExecutorTask) {
        let executor = try await PlayedExecutor("e", service)
        let run = try await service.create("a")
        return (run, executor, try await executor.work(holding: 1)[0])
    }

    private static func read(
        _ service: RunServiceFixture,
        _ run: Run,
        _ task: ExecutorTask,
        from offset: Int64
    ) async throws -> String {
        let reply = try await service.client.log(.step(0), of: task.spec.id, run: run.id, offset: offset)
        return String(decoding: try await reply.collect(), as: UTF8.self)
    }
}
