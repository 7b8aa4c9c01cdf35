import Base
import FoundationEssentials
import Model
import ObjectStorage
import RunService
import TestSupport
import Testing

@Suite("Logs that runs share", .temporaryDirectory, .timeLimit(.minutes(5)))
struct SharedDataTests {
    @Test("stay until the last run that has the task is removed, in either order", arguments: [true, false])
    func bothOrders(oldFirst: Bool) async throws {
        try await RunWorld.with { world in
            let old = try await world.create("good, bad")
            try await world.finish(old.id, failing: ["bad"])
            let new = try await world.restart(old.id)
            try await world.finish(new.id, failing: [])
            let shared = try #require(Set(old.tasks.keys).intersection(new.tasks.keys).first)
            let log = RunObjects.log(.setup, of: shared)
            #expect(
                try await world.names(RunObjects.Tree.logs.markers(of: shared))
                    == [old.id, new.id].sorted().map { RunObjects.Tree.logs.marker(of: shared, for: $0) }
            )
            try await world.removal.remove(oldFirst ? old.id : new.id)
            #expect(try await world.objects.exists(log))
            #expect(try await world.names().count == 4)
            try await world.removal.remove(oldFirst ? new.id : old.id)
            #expect(try await world.names() == [])
            let gone = await #expect(throws: APIError.self) { try await world.removal.remove(old.id) }
            #expect(gone?.code == "runDoesNotExist")
        }
    }

    @Test("are not taken from a run that is restarted while the old one is removed")
    func removedMeanwhile() async throws {
        try await RunWorld.with { world in
            let old = try await world.create("good, bad")
            try await world.finish(old.id, failing: ["bad"])
            world.authority.hold()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    // The restart has its markers and waits for its commit; the removal comes first.
                    let refused = await #expect(throws: APIError.self) { try await world.restart(old.id) }
                    #expect(refused?.code == "runDoesNotExist")
                }
                try await world.authority.waitForCommit()
                #expect(try await world.names(RunObjects.Tree.logs.prefix).count == 5)
                // By a process of its own, so to say: past the authority that holds.
                let other = RunRemoval(
                    store: try await world.other(),
                    queries: world.queries,
                    markers: TaskMarkers(objects: world.objects, queries: world.queries)
                )
                try await other.remove(old.id)
                world.authority.release()
                try await group.waitForAll()
            }
            #expect(try await world.names() == [])
            #expect(try await world.runs() == [])
        }
    }

    @Test("are there whatever is created, restarted, removed, kept and broken at once", arguments: 0..<8)
    func anyOrder(_ round: Int) async throws {
        let seed = SeededGenerator.seed &+ UInt64(round)
        try await RunWorld.with(seed: seed, isCalm: false, name: "\(round)") { world in
            // Also with no guard by age at all nothing that is referred to may go; only markers of restarts under way may then.
            let isRash = round % 2 == 0
            let limits = ObjectKeeping.Limits(caches: nil, trees: [:], unused: isRash ? .zero : .seconds(3600))
            // From here on the store counts as one that knows its objects, whenever the first of the random passes comes.
            try await world.keeping(limits).pass()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for actor in 0..<4 {
                    group.addTask { try await Self.play(world, limits, seed: seed &* 31 &+ UInt64(actor)) }
                }
                try await group.waitForAll()
            }
            world.objects.calmDown()
            try await Self.check(world, hasMarkers: !isRash, seed)
            for _ in 0..<2 {
                try await world.keeping(after: .seconds(48 * 3600)).pass()
                try await Self.check(world, hasMarkers: !isRash, seed)
            }
            let known = Set(try await world.runs().flatMap(\.tasks.keys).map(\.text))
            let leftOver = try await world.names().filter { !known.contains(String($0.split(separator: "/")[1])) }
            #expect(leftOver == [], "seed \(seed)")
        }
    }

    private static func play(_ world: RunWorld, _ limits: ObjectKeeping.Limits, seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<12 { try await act(world, limits, &random) }
    }

    private static func act(
        _ world: RunWorld,
        _ limits: ObjectKeeping.Limits,
        _ random: inout SeededGenerator
    ) async throws {
        let runs = try await world.runs().filter(\.phase.isFinished)
        let choice = Int.random(in: 0..<100, using: &random)
        let failing: Set<String> = Bool.random(using: &random) ? ["b"] : ["c"]
        do {
            switch (choice, runs.randomElement(using: &random)) {
            case (..<20, _), (_, nil):
                let run = try await world.create("a, b -> c")
                try await world.finish(run.id, failing: failing)
            case (..<60, let run?):
                let again = try await world.restart(run.id)
                try await world.finish(again.id, failing: failing)
            case (..<85, let run?): try await world.removal.remove(run.id)
            default: try await world.keeping(limits).pass()
            }
        } catch {
            // The storage failed as it was told to, or somebody was faster.
            let chain = ErrorChain(error)
            guard chain.first(ObjectStorageError.self) != nil || chain.first(APIError.self) != nil else { throw error }
        }
    }

    // Every task that has run has its log.
    private static func check(_ world: RunWorld, hasMarkers: Bool, _ seed: UInt64) async throws {
        for run in try await world.runs() {
            for task in run.tasks.values where task.setupStep.logBytes ?? 0 > 0 {
                let name = RunObjects.log(.setup, of: task.id)
                let marker = RunObjects.Tree.logs.marker(of: task.id, for: run.id)
                #expect(try await world.objects.exists(name), "seed \(seed): \(name) of run \(run.id) is lost")
                guard hasMarkers else { continue }
                #expect(try await world.objects.exists(marker), "seed \(seed): \(marker) is lost")
            }
        }
    }
}
