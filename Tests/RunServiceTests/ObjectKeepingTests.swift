import Base
import FoundationEssentials
import Model
import ObjectStorage
import RunService
import Store
import TestSupport
import Testing

@Suite("Objects are kept", .temporaryDirectory, .timeLimit(.minutes(5)))
struct ObjectKeepingTests {
    private static let day: Duration = .seconds(24 * 3600)

    @Test("until they reach the age of their kind")
    func ages() async throws {
        try await RunWorld.with { world in
            let run = try await world.create("a")
            try await world.finish(run.id, failing: [])
            let task = try #require(run.tasks.keys.first)
            let log = RunObjects.log(.setup, of: task)
            let archives = [
                RunObjects.archive(ofStep: 0, of: task), RunObjects.Tree.archives.marker(of: task, for: run.id),
            ]
            for name in ["caches/p-key.tar"] + archives { try await world.objects.write(name, bytes: [1]) }
            let limits = ObjectKeeping.Limits(
                caches: Self.day * 7,
                trees: [.archives: Self.day * 10, .logs: Self.day * 30]
            )
            let all = Set(try await world.names())
            try await world.keeping(limits, after: Self.day * 6).pass()
            #expect(Set(try await world.names()) == all)
            try await world.keeping(limits, after: Self.day * 8).pass()
            #expect(Set(try await world.names()) == all.subtracting(["caches/p-key.tar"]))
            try await world.keeping(limits, after: Self.day * 11).pass()
            #expect(try await world.names() == [log, RunObjects.Tree.logs.marker(of: task, for: run.id)])
            try await world.keeping(after: Self.day * 1_000).pass()
            #expect(try await world.objects.exists(log))
            try await world.keeping(limits, after: Self.day * 31).pass()
            #expect(try await world.names() == [])
        }
    }

    @Test("for a run that began to use them late")
    func lateUse() async throws {
        try await RunWorld.with { world in
            let old = try await world.create("good, bad")
            try await world.finish(old.id, failing: ["bad"])
            let shared = try #require(old.tasks.values.first { $0.name == "good" }?.id)
            try Self.backdate("\(TemporaryDirectory.path)/world/objects/data/logs/\(shared)", by: Self.day * 29)
            let new = try await world.restart(old.id)
            let limits = ObjectKeeping.Limits(caches: nil, trees: [.logs: Self.day * 30])
            try await world.keeping(limits, after: Self.day * 2).pass()
            #expect(try await world.objects.exists(RunObjects.log(.setup, of: shared)))
            try await world.keeping(limits, after: Self.day * 31).pass()
            #expect(try await world.names() == [])
            #expect(try await world.queries.run(new.id) != nil)
        }
    }

    @Test("as long as a run has the task, however old they are and whatever markers say")
    func referred() async throws {
        try await RunWorld.with { world in
            let ended = try await world.create("a")
            try await world.finish(ended.id, failing: [])
            let living = try await world.create("a")
            let tasks = try [#require(ended.tasks.keys.first), #require(living.tasks.keys.first)]
            // The living run's task is about to end: its log is an object before the end is stored.
            _ = try await world.intake.append([1], at: 0, to: .setup, of: tasks[1])
            try await world.intake.seal(tasks[1], of: [living.id], sizes: [.setup: 1])
            _ = try await world.objects.delete(RunObjects.Tree.logs.marker(of: tasks[0], for: ended.id))
            try await world.keeping().pass()
            try await world.keeping(after: Self.day * 400).pass()
            for task in tasks { #expect(try await world.objects.exists(RunObjects.log(.setup, of: task))) }
        }
    }

    @Test("unless nothing refers to them and they are older than a day, counted also from the store's beginning")
    func unused() async throws {
        try await RunWorld.with { world in
            let leftOvers = [
                RunObjects.log(.step(3), of: "lost"), RunObjects.archive(ofStep: 0, of: "lost"),
                RunObjects.Tree.archives.marker(of: "lost", for: "no-run"),
            ]
            let others = ["logs/stray", "logs/lost-2/elsewhere/x", "rundata/x"]
            for name in leftOvers + others { try await world.objects.write(name, bytes: [1]) }
            _ = try await world.intake.append([1], at: 0, to: .setup, of: "lost")
            // What a store does not know when it is new may be imported a moment later.
            try await world.keeping(after: Self.day * 50).pass()
            #expect(try await world.names().count == 6)
            try await world.keeping(after: Self.day * 50 + .seconds(3600)).pass()
            #expect(try await world.names().count == 6)
            try await world.keeping(after: Self.day * 52).pass()
            #expect(Set(try await world.names()) == Set(others))
            #expect(try await world.intake.tasks() == ["lost"], "somebody still writes to it")
        }
        try await RunWorld.with { world in
            #expect(try await world.intake.tasks() == ["lost"])
            try await world.keeping(after: Self.day * 52).pass()
            #expect(try await world.intake.tasks() == [])
        }
    }

    @Test("by one process at a time")
    func locked() async throws {
        try await RunWorld.with { world in
            try await world.objects.write("caches/x.tar", bytes: [1])
            let keeping = world.keeping(.init(caches: .seconds(1), trees: [:]), after: Self.day)
            try await world.store.authority.withLock("object-keeping") { _ in try await keeping.pass() }
            #expect(try await world.names() == ["caches/x.tar"])
            try await keeping.pass()
            #expect(try await world.names() == [])
        }
    }

    /// Lets files look older than they are.
    private static func backdate(_ directory: String, by time: Duration) throws {
        let date = Date().addingTimeInterval(-(time / .seconds(1)))
        let names = try FileManager.default.subpathsOfDirectory(atPath: directory)
        for name in names {
            try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: "\(directory)/\(name)")
        }
    }
}
