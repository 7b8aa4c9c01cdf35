import Base
import Foundation
import Store
import TestSupport
import Testing

@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct ProcessTests {
    @Test("acknowledged commits survive SIGKILL at any moment, whole and in order")
    func crash() async throws {
        let directory = TemporaryDirectory.path
        let store = try await LocalStore.open(directory: directory, projections: [])
        let survivor = try Probe("write", ["survivor"])
        for round in 0..<25 {
            let name = "r\(round)"
            let probe = try Probe("write", [name])
            _ = try await probe.line("ack")
            try await Task.sleep(for: .microseconds(Int.random(in: 0...40_000)))
            try await probe.end()
            try await checkWriter(name, lines: probe.lines, in: store)
        }
        #expect(!survivor.lines.contains { $0.hasPrefix("error") }, "the other writer never notices")
        try await survivor.end()
        try await checkWriter("survivor", lines: survivor.lines, in: store)
        try await checkEvents(of: store)
    }

    @Test("processes that open a new store at once count together without losing a step")
    func sharedCounter() async throws {
        let probes = try (0..<8).map { _ in try Probe("count", ["n", "50"]) }
        for probe in probes { #expect(try await probe.line("done") == "done", "\(probe.lines)") }
        for probe in probes { try await probe.wait() }
        let store = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [])
        #expect(try await store.read { try $0.record(type: "counter", id: "n")?.data.text } == "400")
    }

    @Test(
        "a process that opens a store once more still counts as having it open: nobody who closes it takes its log away"
    )
    func openedTwice() async throws {
        let store = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [])
        let again = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [])
        for number in 1...4 {
            let probe = try Probe("count", ["n", "1"])
            try await probe.wait()
            #expect(try await store.read { try $0.record(type: "counter", id: "n")?.data.text } == "\(2 * number - 1)")
            _ = try await again.commit(.of { $0.put(record: "n", type: "counter", Data("\(2 * number)")) })
        }
    }

    @Test("a follower in another process learns of every commit as it happens")
    func wakeUp() async throws {
        let store = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [])
        let probe = try Probe("follow", ["s"])
        _ = try await probe.line("following")
        var delays: [Duration] = []
        for number in 1...20 {
            let start = ContinuousClock.now
            _ = try await store.commit(.of { $0.append(event: Data(), to: "s") })
            _ = try await probe.line("event \(number)")
            delays.append(start.duration(to: .now))
        }
        try await probe.end()
        // The median, as a busy machine may hold a few of them up for longer.
        #expect(delays.sorted()[delays.count / 2] < .seconds(1), "\(delays)")
    }

    @Test("a follower here learns of another process's commits, also without the doorbell")
    func foreignCommits() async throws {
        let store = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [])
        try await beside(store.run) {
            var feed = store.store.changes(after: 0, scopes: [.records(type: "counter")]).makeAsyncIterator()
            let probe = try Probe("count", ["n", "1"])
            #expect(try await feed.next()?.keys == [.record(type: "counter", id: "n")])
            try await probe.wait()
            for bell in try FileManager.default.contentsOfDirectory(atPath: "\(TemporaryDirectory.path)/bells") {
                try FileManager.default.removeItem(atPath: "\(TemporaryDirectory.path)/bells/\(bell)")
            }
            let second = try Probe("count", ["m", "1"])
            #expect(try await feed.next()?.keys == [.record(type: "counter", id: "m")])
            try await second.wait()
        }
    }

    @Test("the lock of a killed process is taken over after its time, not before")
    func killedHolder() async throws {
        let store = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [])
        let probe = try Probe("lock", ["a", "4000", "\(TemporaryDirectory.path)/never"])
        let line = try await probe.line("fence")
        try await probe.end()
        #expect(
            await kind { _ = try await store.authority.acquire(lock: "a", ttl: .seconds(5), wait: false) } == .locked
        )
        let handle = try await store.authority.acquire(lock: "a", ttl: .seconds(5), wait: true)
        #expect(handle.fence > Int64(line.split(separator: " ")[1]) ?? .max)
    }

    @Test("a holder that was stopped past its time and continued is refused", arguments: [true, false])
    func stoppedHolder(isTakenOver: Bool) async throws {
        let store = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [])
        let release = "\(TemporaryDirectory.path)/release"
        let probe = try Probe("lock", ["a", "300", release])
        _ = try await probe.line("fence")
        probe.signal(SIGSTOP)
        if isTakenOver {
            let handle = try await store.authority.acquire(lock: "a", ttl: .seconds(60), wait: true)
            _ = try await store.commit(.of { $0.expect(.fence(handle)) })
        } else {
            try await eventually("the lock's time has passed") {
                try await store.read { tx in
                    let deadline = try tx.rows("SELECT deadline FROM lock").first?.integer("deadline") ?? 0
                    return try deadline < BootClock.system().now()
                }
            }
        }
        try AtomicFile.write([], to: release)
        probe.signal(SIGCONT)
        #expect(try await probe.line("refused") == "refused conflict")
        try await probe.wait()
        #expect(try await store.read { try $0.record(type: "lock", id: "holder") } == nil)
    }
}
