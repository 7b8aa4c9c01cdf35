import Base
import Foundation
import Store
import TestSupport
import Testing

@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct FeedContractTests {
    @Test("a follower learns of changes in its scopes only, and resumes", arguments: AuthorityKind.allCases)
    func scopes(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        _ = try await store.commit(
            .of {
                $0.put(record: "1", type: "run", Data())
                $0.put(record: "1", type: "project", Data())
                $0.put(live: "runs/1", Data())
                $0.put(live: "tasks/1", Data())
                $0.append(event: Data(), to: "s")
            }
        )
        let scopes: [Scope] = [.records(type: "run"), .live(prefix: "runs/"), .events(stream: "s")]
        var feed = store.store.changes(after: 0, scopes: scopes).makeAsyncIterator()
        let first = try await feed.next()
        #expect(
            first
                == StoreChange(
                    revision: 1,
                    keys: [.record(type: "run", id: "1"), .live("runs/1"), .events(stream: "s")]
                )
        )
        _ = try await store.commit(.of { $0.put(live: "tasks/2", Data()) })
        _ = try await store.commit(.of { $0.delete(record: "1", type: "run") })
        #expect(try await feed.next() == StoreChange(revision: 3, keys: [.record(type: "run", id: "1")]))
        var resumed = store.store.changes(after: 1, scopes: [.live(prefix: "")]).makeAsyncIterator()
        #expect(try await resumed.next()?.keys == [.live("tasks/2")])
    }

    @Test("a waiting follower is woken at once by a commit of its process", arguments: AuthorityKind.allCases)
    func wakeUp(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        let (arrivals, arrived) = AsyncStream.makeStream(of: Int64.self)
        let following = Task {
            for try await event in store.store.eventsFollowing(stream: "s", after: 0) { arrived.yield(event.sequence) }
        }
        var iterator = arrivals.makeAsyncIterator()
        for number in 1...50 as ClosedRange<Int64> {
            _ = try await store.commit(.of { $0.append(event: Data("\(number)"), to: "s") })
            #expect(await iterator.next() == number)
        }
        following.cancel()
        await #expect(throws: CancellationError.self) { try await following.value }
    }

    @Test("many followers each see every event once and in order", arguments: AuthorityKind.allCases)
    func manyFollowers(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        try await withThrowingTaskGroup { group in
            for follower in 0..<100 {
                group.addTask {
                    var expected: Int64 = 1
                    for try await event in store.store.eventsFollowing(stream: "s\(follower % 2)", after: 0) {
                        #expect(event.sequence == expected)
                        expected += 1
                        if expected > 100 { return }
                    }
                }
            }
            for writer in 0..<4 {
                group.addTask {
                    for number in 0..<50 {
                        _ = try await store.commit(.of { $0.append(event: Data("\(number)"), to: "s\(writer % 2)") })
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("a large backlog arrives in bounded pieces of whole commits", arguments: AuthorityKind.allCases)
    func pages(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        for commit in 0..<10 {
            _ = try await store.commit(
                .of { batch in (0..<400).forEach { batch.put(live: "k/\(commit)/\($0)", Data()) } }
            )
        }
        var seen: Set<ChangedKey> = []
        var elements = 0
        for try await change in store.store.changes(after: 0, scopes: [.live(prefix: "k/")]) {
            #expect(change.keys.count <= 1_600 && change.keys.count % 400 == 0)
            seen.formUnion(change.keys)
            elements += 1
            if change.revision == 10 { break }
        }
        #expect(seen.count == 4_000 && elements >= 3)
    }

    @Test("what is no longer kept is refused, not skipped", arguments: AuthorityKind.allCases)
    func compaction(_ authority: AuthorityKind) async throws {
        var options = StoreOptions()
        options.eventsKept = 20
        options.eventAge = .zero
        options.revisionsKept = 20
        let store = try await authority.open(options: options)
        for number in 1...400 { _ = try await store.commit(.of { $0.append(event: Data("\(number)"), to: "s") }) }
        #expect(await kind { _ = try await store.store.events(of: "s", after: 0) } == .compacted)
        var changes = store.store.changes(after: 0, scopes: []).makeAsyncIterator()
        #expect(await kind { _ = try await changes.next() } == .compacted)
        var following = store.store.eventsFollowing(stream: "s", after: 5).makeAsyncIterator()
        #expect(await kind { _ = try await following.next() } == .compacted)
        let oldest = try await store.read { try $0.oldestEvent(of: "s") }
        #expect(oldest > 340 && oldest <= 381)
        let kept = try await store.store.events(of: "s", after: oldest - 1)
        #expect(kept.first?.sequence == oldest && kept.last?.sequence == 400 && kept.count == Int(400 - oldest + 1))
        var fresh = store.store.changes(after: 390, scopes: [.events(stream: "s")]).makeAsyncIterator()
        #expect(try await fresh.next()?.revision == 400)
    }

    @Test("waiting for a revision that never comes ends in time", arguments: AuthorityKind.allCases)
    func waitApplied(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        let revision = try await store.commit(.of { $0.put(live: "a", Data()) }).revision
        try await store.store.waitApplied(revision, timeout: .seconds(1))
        #expect(await kind { try await store.store.waitApplied(revision + 1, timeout: .milliseconds(50)) } == .timedOut)
        async let waited: Void = store.store.waitApplied(revision + 1, timeout: .seconds(20))
        _ = try await store.commit(.of { $0.put(live: "a", Data()) })
        try await waited
    }
}
