import Base
import FoundationEssentials
import HTTPTransport
import Model
import TestSupport
import Testing
import WorkerClients

@Suite("A run's life through the runservice", .temporaryDirectory, .timeLimit(.minutes(5)))
struct RunLifeTests {
    @Test("a created run is given to an executor at once, and ends when its tasks have")
    func green() async throws {
        try await RunServiceFixture.with { service in
            let executor = try await PlayedExecutor("e", service)
            let run = try await service.create("a -> b")
            #expect(run.number == 1)
            let first = try await executor.work(holding: 1)[0]
            #expect(first.specData?.taskName == "a")
            #expect(first.specData?.environment["MARTLET_RUN_COUNTER"] == "1")
            try await executor.report(first, .running)
            try await executor.report(first, .success, logBytes: 0)
            let second = try await executor.work(holding: 1)[0]
            #expect(second.specData?.taskName == "b")
            try await executor.report(second, .success, logBytes: 0)
            let ended = try await service.run(run.id)
            #expect(ended.phase == .finished)
            #expect(ended.result == .success)
            #expect(GraphText.letters(ended) == "a=s b=s")
        }
    }

    @Test("the same definition sent many times at once is one run")
    func repeatedCreation() async throws {
        try await RunServiceFixture.with { service in
            for round in 1...10 {
                let definition = RunServiceFixture.definition("a")
                let runs = try await withThrowingTaskGroup(of: Run.self) { group in
                    for _ in 0..<20 { group.addTask { try await service.client.create(.new(definition)) } }
                    return try await group.reduce(into: [Run]()) { $0.append($1) }
                }
                #expect(Set(runs.map(\.id)).count == 1)
                #expect(runs.allSatisfy { $0.number == Int64(round) })
            }
        }
    }

    @Test("runs of one group run one after another, those of others meanwhile")
    func groups() async throws {
        try await RunServiceFixture.with { service in
            let executor = try await PlayedExecutor("e", service)
            let first = try await service.create("a", group: "/project/p/branch/main")
            let second = try await service.create("a", group: "/project/p/branch/main")
            let other = try await service.create("a", group: "/project/p/branch/other")
            #expect([first, second, other].map(\.number) == [1, 2, 3])
            let tasks = try await executor.work(holding: 2)
            #expect(Set(tasks.map(\.spec.run)) == [first.id, other.id])
            #expect(try await service.run(second.id).phase == .queued)
            for task in tasks { try await executor.report(task, .success, logBytes: 0) }
            #expect(try await executor.work(holding: 1).map(\.spec.run) == [second.id])
        }
    }

    @Test("an executor is never given more than its limit")
    func slots() async throws {
        try await RunServiceFixture.with { service in
            let executor = try await PlayedExecutor("e", service, slots: 2)
            let run = try await service.create("a, b, c")
            let tasks = try await executor.work(holding: 2)
            try await executor.report(tasks[0], .success, logBytes: 0)
            let rest = try await executor.work(holding: 2)
            for task in rest { try await executor.report(task, .success, logBytes: 0) }
            #expect(try await service.run(run.id).result == .success)
        }
    }

    @Test("everything is found again after a restart, and the run goes on")
    func restart() async throws {
        let (run, task) = try await RunServiceFixture.with { service in
            let executor = try await PlayedExecutor("e", service)
            let run = try await service.create("a -> b")
            let task = try await executor.work(holding: 1)[0]
            try await executor.report(task, .running)
            try await executor.send("before", at: 0, of: task)
            return (run, task)
        }
        try await RunServiceFixture.with { service in
            let executor = try await PlayedExecutor("e", service)
            #expect(try await executor.work(holding: 1).map(\.spec) == [task.spec])
            #expect(try await executor.send(" after", at: 6, of: task) == 12)
            try await executor.report(task, .success, logBytes: 12)
            #expect(try await executor.work(holding: 1)[0].specData?.taskName == "b")
            #expect(try await service.create("a").number == run.number + 1)
            let log = try await service.client.log(.step(0), of: task.spec.id, run: run.id)
            #expect(try await log.collect() == Array("before after".utf8))
        }
    }

    @Test("a lost executor's tasks fail with end times on the task and its open steps")
    func lostExecutor() async throws {
        let (run, task) = try await RunServiceFixture.with { service in
            let executor = try await PlayedExecutor("e", service)
            let run = try await service.create("a")
            let task = try await executor.work(holding: 1)[0]
            try await executor.report(task, .running)
            try await service.client.delete("e")
            return (run, task)
        }
        try await RunServiceFixture.with { service in
            let ended = try await service.run(run.id)
            #expect(ended.result == .failed)
            let lost = try #require(ended.tasks[task.spec.id])
            #expect(lost.failError == "executor deleted")
            #expect(lost.endTime != nil)
            #expect(lost.steps[0].phase == .failed)
            #expect(lost.steps[0].endTime != nil)
            let late = await refusal {
                try await service.client.report(task.spec.id, attempt: 1, status: task.status, from: "e")
            }
            #expect(late?.kind == .notExist)
        }
    }

    @Test("a report or log of another attempt or executor is refused and changes nothing")
    func fences() async throws {
        try await RunServiceFixture.with { service in
            let executor = try await PlayedExecutor("e", service)
            let run = try await service.create("a")
            let task = try await executor.work(holding: 1)[0]
            let stranger = await refusal {
                try await service.client.report(task.spec.id, attempt: 1, status: task.status, from: "stranger")
            }
            #expect(stranger?.code == "attemptSuperseded")
            let old = await refusal { try await executor.send("x", at: 0, of: task, attempt: 0) }
            #expect(old?.code == "attemptSuperseded")
            #expect(try await service.run(run.id).tasks[task.spec.id]?.status == .notstarted)
        }
    }

    @Test("a stopped run ends as stopped; a queued one can be cancelled; neither twice")
    func stopAndCancel() async throws {
        try await RunServiceFixture.with { service in
            let executor = try await PlayedExecutor("e", service)
            let running = try await service.create("a -> b")
            let queued = try await service.create("a")
            let task = try await executor.work(holding: 1)[0]
            try await service.client.act(.stop, on: running.id)
            let stopping = try await executor.client.work(for: "e", after: 0, timeout: .seconds(1)).tasks[0]
            #expect(stopping.spec.stop)
            try await service.client.act(.cancel, on: queued.id)
            #expect(try await service.run(queued.id).phase == .cancelled)
            let again = await refusal { try await service.client.act(.cancel, on: queued.id) }
            #expect(again?.kind == .badRequest)
            try await executor.report(task, .stopped, logBytes: 0)
            let ended = try await service.run(running.id)
            #expect(ended.result == .stopped)
            #expect(GraphText.letters(ended) == "a=t b=k")
            let unknown = await refusal { try await service.client.act(.stop, on: "nothing") }
            #expect(unknown?.code == "runDoesNotExist")
        }
    }

    @Test("a run is restarted from its failed tasks, or from the start, with new task ids where it runs again")
    func restartRun() async throws {
        try await RunServiceFixture.with { service in
            let executor = try await PlayedExecutor("e", service)
            let run = try await service.create("a, b -> c")
            for task in try await executor.work(holding: 2) {
                let name = try #require(task.specData?.taskName)
                try await executor.report(task, name == "a" ? .success : .failed, logBytes: 0)
            }
            let again = try await service.client.create(
                .restart(run: run.id, fromStart: false, environment: ["FRESH": "1"], secrets: [])
            )
            #expect(again.number == 2)
            let kept = Set(run.tasks.keys).intersection(again.tasks.keys)
            #expect(kept.compactMap { run.tasks[$0]?.name } == ["a"])
            let task = try await executor.work(holding: 1)[0]
            #expect(task.specData?.taskName == "b")
            #expect(task.specData?.environment["FRESH"] == "1")
            let early = await refusal {
                try await service.client.create(.restart(run: again.id, fromStart: true, environment: [:], secrets: []))
            }
            #expect(early?.code == "runCannotBeRestarted")
        }
    }

    @Test("the same definition makes one run, however often it is asked for")
    func idempotentCreation() async throws {
        try await RunServiceFixture.with { service in
            var definition = GraphText.definition("a")
            definition.id = "delivery-1"
            let first = try await service.client.create(.new(definition))
            let second = try await service.client.create(.new(definition))
            #expect(first.id == second.id)
            #expect(try await service.create("a").number == 2)
        }
    }

    @Test("many runs asked for at once get different numbers without gaps")
    func concurrentCreation() async throws {
        try await RunServiceFixture.with { service in
            let numbers = try await withThrowingTaskGroup(of: Int64.self) { group in
                for index in 0..<100 {
                    group.addTask { try await service.create("a", group: "/project/p/branch/\(index)").number }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(numbers.sorted() == Array(1...100))
        }
    }

    @Test("a definition that cannot run becomes a setup error, which can be read")
    func setupError() async throws {
        try await RunServiceFixture.with { service in
            var definition = GraphText.definition("a")
            definition.tasks["a"]?.depends["missing"] = []
            let run = try await service.client.create(.new(definition))
            #expect(run.phase == .setuperror)
            #expect(run.setupErrors.count == 1)
            #expect(try await service.run(run.id).phase == .setuperror)
        }
    }
}
