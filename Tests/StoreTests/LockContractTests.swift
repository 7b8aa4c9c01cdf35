import Base
import Foundation
import Store
import Synchronization
import TestSupport
import Testing

@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct LockContractTests {
    @Test("a lock has one holder, and fences grow", arguments: AuthorityKind.allCases)
    func oneHolder(_ authority: AuthorityKind) async throws {
        let locks = try await authority.open().authority
        let first = try await locks.acquire(lock: "a", ttl: .seconds(30), wait: false)
        #expect(await kind { _ = try await locks.acquire(lock: "a", ttl: .seconds(30), wait: false) } == .locked)
        let other = try await locks.acquire(lock: "b", ttl: .seconds(30), wait: false)
        try await locks.release(first)
        try await locks.release(first)
        let second = try await locks.acquire(lock: "a", ttl: .seconds(30), wait: false)
        #expect(first.fence < other.fence && other.fence < second.fence)
        try await locks.release(first)
        #expect(await kind { _ = try await locks.acquire(lock: "a", ttl: .seconds(30), wait: false) } == .locked)
        #expect(await kind { _ = try await locks.acquire(lock: "", ttl: .seconds(1), wait: false) } == .invalid)
    }

    @Test("a batch under a lost lock is refused", arguments: AuthorityKind.allCases)
    func fence(_ authority: AuthorityKind) async throws {
        let clock = Hands()
        let store = try await authority.open(options: clock.options)
        let first = try await store.authority.acquire(lock: "a", ttl: .seconds(10), wait: false)
        let batch = Batch.of {
            $0.expect(.fence(first))
            $0.put(live: "k", Data("1"))
        }
        _ = try await store.commit(batch)
        clock.advance(by: .seconds(9))
        try await store.authority.renew(first, ttl: .seconds(10))
        clock.advance(by: .seconds(9))
        _ = try await store.commit(batch)
        clock.advance(by: .seconds(2))
        #expect(await kind { _ = try await store.commit(batch) } == .conflict)
        #expect(await kind { try await store.authority.renew(first, ttl: .seconds(10)) } == .conflict)
        let second = try await store.authority.acquire(lock: "a", ttl: .seconds(10), wait: false)
        #expect(await kind { _ = try await store.commit(batch) } == .conflict)
        _ = try await store.commit(.of { $0.expect(.fence(second)) })
    }

    @Test("a lock of another start of the machine is free")
    func reboot() async throws {
        let before = Hands(bootID: "before")
        let old = try await LocalStore.open(
            directory: TemporaryDirectory.path,
            projections: [],
            options: before.options
        )
        let stale = try await old.authority.acquire(lock: "a", ttl: .seconds(3600), wait: false)
        let after = Hands(bootID: "after")
        let new = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [], options: after.options)
        #expect(await kind { _ = try await new.commit(.of { $0.expect(.fence(stale)) }) } == .conflict)
        _ = try await new.authority.acquire(lock: "a", ttl: .seconds(10), wait: false)
    }

    @Test("waiters get the lock one after the other", arguments: AuthorityKind.allCases)
    func waiting(_ authority: AuthorityKind) async throws {
        let locks = try await authority.open().authority
        let room = Room()
        try await withThrowingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<5 {
                        try await locks.withLock("a") { _ in
                            #expect(room.enter() == 1)
                            await Task.yield()
                            room.leave()
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(room.visits == 40)
    }

    @Test("a waiter that is cancelled leaves", arguments: AuthorityKind.allCases)
    func cancelledWaiter(_ authority: AuthorityKind) async throws {
        let locks = try await authority.open().authority
        let held = try await locks.acquire(lock: "a", ttl: .seconds(60), wait: false)
        let waiting = Task { try await locks.acquire(lock: "a", ttl: .seconds(60), wait: true) }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        try await locks.release(held)
        _ = try await locks.acquire(lock: "a", ttl: .seconds(60), wait: false)
    }

    @Test("a held lock is renewed while its body runs")
    func renewal() async throws {
        let clock = Hands()
        let store = try await LocalStore.open(
            directory: TemporaryDirectory.path,
            projections: [],
            options: clock.options
        )
        try await store.authority.withLock("a", ttl: .milliseconds(90)) { handle in
            for _ in 0..<5 {
                clock.advance(by: .milliseconds(60))
                let wanted = clock.time + 90_000_000
                try await eventually("the deadline is moved") {
                    try await store.read { try $0.rows("SELECT deadline FROM lock").first?.integer("deadline") }
                        == wanted
                }
                _ = try await store.commit(.of { $0.expect(.fence(handle)) })
            }
        }
    }

    @Test("losing a lock cancels the body that runs under it", arguments: AuthorityKind.allCases)
    func loss(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        let lost = await kind {
            try await store.authority.withLock("a", ttl: .milliseconds(150)) { handle in
                try await store.authority.release(handle)
                try await Task.sleep(for: .seconds(60))
            }
        }
        #expect(lost == .conflict)
    }

    @Test("keys under a lease disappear when it ends", arguments: AuthorityKind.allCases)
    func leases(_ authority: AuthorityKind) async throws {
        let clock = Hands()
        let store = try await authority.open(options: clock.options)
        let short = try await store.authority.grantLease(ttl: .seconds(5))
        let long = try await store.authority.grantLease(ttl: .seconds(60))
        _ = try await store.commit(
            .of {
                $0.put(live: "instances/short", Data(), lease: short)
                $0.put(live: "instances/long", Data(), lease: long)
                $0.put(live: "instances/plain", Data())
            }
        )
        var changes = store.store.changes(after: 1, scopes: [.live(prefix: "instances/")]).makeAsyncIterator()
        clock.advance(by: .seconds(4))
        try await store.authority.renew(short, ttl: .seconds(5))
        clock.advance(by: .seconds(6))
        #expect(await kind { try await store.authority.renew(short, ttl: .seconds(5)) } == .conflict)
        #expect(await kind { _ = try await store.commit(.of { $0.put(live: "x", Data(), lease: short) }) } == .conflict)
        try await beside(store.run) {
            let keys = try await changes.next()?.keys
            #expect(keys == [.live("instances/short")])
        }
        try await store.authority.revoke(long)
        #expect(try await store.read { try $0.live(prefix: "instances/").map(\.key) } == ["instances/plain"])
    }
}

/// The boot clock's hands, moved by the test.
private final class Hands: Sendable {
    private let now = Mutex<Int64>(1_000_000_000)
    private let bootID: String

    init(bootID: String = "boot") { self.bootID = bootID }

    func advance(by duration: Duration) {
        now.withLock {
            $0 += duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000
        }
    }

    var time: Int64 { now.withLock { $0 } }

    var options: StoreOptions {
        var options = StoreOptions()
        options.clock = BootClock(bootID: bootID) { [self] in now.withLock { $0 } }
        return options
    }
}

/// Counts who is inside.
private final class Room: Sendable {
    private let state = Mutex((inside: 0, visits: 0))

    var visits: Int { state.withLock { $0.visits } }

    func enter() -> Int {
        state.withLock { state in
            state.inside += 1
            state.visits += 1
            return state.inside
        }
    }

    func leave() { state.withLock { $0.inside -= 1 } }
}
