import Base
import Model
import RunService
import Store
import TestSupport
import Testing

@Suite("What executors see", .temporaryDirectory, .timeLimit(.minutes(5)))
struct StoredWorkTests {
    @Test("is what is stored: an assignment whose commit is under way is not shown, nor ever if it fails")
    func underWay() async throws {
        try await RunWorld.with { world in
            let executor = RunWorld.executor
            let before = try await world.scheduler.work(for: executor, after: 0, until: .after(.zero))
            world.authority.hold()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let refused = await #expect(throws: APIError.self) { try await world.create("a") }
                    #expect(refused?.kind == .unavailable)
                }
                try await world.authority.waitForCommit()
                let meanwhile = try await world.scheduler.work(for: executor, after: 0, until: .after(.zero))
                #expect(meanwhile == before)
                #expect(await world.scheduler.assignedTasks.isEmpty)
                world.authority.release(succeeding: false)
                try await group.waitForAll()
            }
            #expect(try await world.scheduler.work(for: executor, after: 0, until: .after(.zero)).tasks.isEmpty)
            let run = try await world.create("a")
            let work = try await world.scheduler.work(for: executor, after: before.version, until: .after(.seconds(30)))
            #expect(work.tasks.map(\.spec.run) == [run.id])
            #expect(work.tasks.first?.specData?.taskName == "a")
        }
    }

    @Test("keeps a task whose end is under way, and an executor whose registration is not stored does not exist")
    func endUnderWay() async throws {
        try await RunWorld.with { world in
            let run = try await world.create("a")
            let task = try #require(run.tasks.keys.first)
            world.authority.hold()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await #expect(throws: APIError.self) {
                        try await world.scheduler.submit(.event(.executorDeleted(RunWorld.executor)))
                    }
                }
                try await world.authority.waitForCommit()
                let work = try await world.scheduler.work(for: RunWorld.executor, after: 0, until: .after(.zero))
                #expect(work.tasks.map(\.spec.id) == [task])
                _ = try await world.scheduler.assignment(of: task, attempt: 1, to: RunWorld.executor)
                world.authority.release(succeeding: false)
                try await group.waitForAll()
            }
            let work = try await world.scheduler.work(for: RunWorld.executor, after: 0, until: .after(.zero))
            #expect(work.tasks.map(\.spec.id) == [task])
        }
    }
}
