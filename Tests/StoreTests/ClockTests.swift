import Base
import Foundation
import Store
import TestSupport
import Testing

@Suite("clocks that jump", .temporaryDirectory, .timeLimit(.minutes(5)))
struct ClockTests {
    private static let day = 24 * 3600

    @Test(
        "a process whose wall clock jumps a day forth and back goes on in order, and keeps its lock and its lease",
        .enabled(if: WallClock.canJump, "needs the Debian package faketime")
    )
    func jumps() async throws {
        let store = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [])
        let clock = try WallClock()
        let probe = try Probe("clock", ["600000"], under: clock.command)
        for shift in [0, 1, -1, 0] {
            try clock.set(days: shift)
            let wanted = Date().timeIntervalSince1970 + Double(shift * Self.day)
            try await eventually("the process believes \(shift) days", within: .seconds(60)) {
                probe.beats.count { abs(Double($0.time) - wanted) < 3600 } >= 10
            }
            #expect(
                await kind { _ = try await store.authority.acquire(lock: "watch", ttl: .seconds(9), wait: false) }
                    == .locked
            )
            #expect(try await store.read { try $0.live(prefix: "watch/").count } == 10)
        }
        try await probe.end()
        #expect(!probe.lines.contains { $0.hasPrefix("error") }, "\(probe.lines.suffix(3))")
        let revisions = probe.beats.map(\.revision)
        #expect(zip(revisions, revisions.dropFirst()).allSatisfy { $0 < $1 })
        let events = try await store.read { try $0.events(of: "watch", after: 0, limit: 100_000) }
        #expect(events.map(\.revision) == events.map(\.revision).sorted())
        #expect(events.map(\.revision).starts(with: revisions))
    }

    @Test(
        "lock and lease of a killed process pass in time, wherever its wall clock stood",
        .enabled(if: WallClock.canJump, "needs the Debian package faketime"),
        arguments: [-1, 1]
    )
    func killedHolder(days: Int) async throws {
        let store = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [])
        let clock = try WallClock()
        try clock.set(days: days)
        let probe = try Probe("clock", ["3000"], under: clock.command)
        _ = try await probe.line("beat")
        try await probe.end()
        let end = try await store.read { try $0.rows("SELECT deadline FROM lock").first?.integer("deadline") }
        let deadline = try #require(end)
        #expect(try deadline < BootClock.system().now() + 3_000_000_000)
        try await beside(store.run) {
            _ = try await store.authority.acquire(lock: "watch", ttl: .seconds(9), wait: true)
            #expect(try deadline <= BootClock.system().now())
            try await eventually("the lease ends", within: .seconds(60)) {
                try await store.read { try $0.live(prefix: "watch/").isEmpty }
            }
        }
    }

    @Test(
        "imports of processes whose wall clock is set forth and back have ever later epochs",
        .enabled(if: WallClock.canJump, "needs the Debian package faketime")
    )
    func epochs() async throws {
        let store = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [])
        _ = try await store.commit(.of { $0.put(record: "a", type: "letter", Data("a")) })
        let file = "\(TemporaryDirectory.path)/export"
        try AtomicFile.write(try await store.export(service: "letters", types: ["letter"]).text().utf8, to: file)
        let clock = try WallClock()
        var identity = store.authority.identity
        for days in [0, 1, -1, 0] {
            try clock.set(days: days)
            let probe = try Probe("import", [file], under: clock.command)
            try await probe.wait()
            #expect(probe.lines.last == "imported", "\(probe.lines)")
            let next = try await LocalStore.open(directory: TemporaryDirectory.path, projections: []).authority.identity
            #expect(next.epoch > identity.epoch, "\(days) days")
            #expect(next.generation == identity.generation + 1)
            identity = next
        }
    }

    @Test(
        "after the machine slept, locks and leases whose time is over have passed, and their holder is refused",
        .enabled(if: Suspension.isPossible, "needs time namespaces")
    )
    func suspension() async throws {
        let store = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [])
        let held = try await store.authority.acquire(lock: "a", ttl: .seconds(1800), wait: false)
        let lease = try await store.authority.grantLease(ttl: .seconds(1800))
        _ = try await store.commit(
            .of {
                $0.expect(.fence(held))
                $0.put(live: "leased", Data(), lease: lease)
            }
        )
        // To a process whose boot clock is ahead this one was asleep.
        let awake = try Probe("lock", ["a", "600000", "\(TemporaryDirectory.path)/never"], under: Suspension.command)
        let fence = try await awake.line("fence").split(separator: " ")[1]
        #expect(Int64(fence) ?? 0 > held.fence)
        #expect(await kind { _ = try await store.commit(.of { $0.expect(.fence(held)) }) } == .conflict)
        let follower = try Probe("follow", ["s"], under: Suspension.command)
        try await eventually("the lease ends", within: .seconds(60)) {
            try await store.read { try $0.live("leased") == nil }
        }
        #expect(await kind { try await store.authority.renew(lease, ttl: .seconds(9)) } == .conflict)
        try await follower.end()
        try await awake.end()
    }
}

/// A wall clock that processes under ``command`` believe in; their clocks that only run on are the machine's.
private struct WallClock {
    static let canJump = FileManager.default.isExecutableFile(atPath: "/usr/bin/faketime")

    private let file = "\(TemporaryDirectory.path)/clock\(UInt32.random(in: .min ... .max))"

    init() throws {
        try set(days: 0)
    }

    /// What comes before a program.
    ///
    /// The file says the time as long as no variable does; the program dies with the wrapper.
    var command: [String] {
        [
            "faketime", "--exclude-monotonic", "-f", "+0", "env", "-u", "FAKETIME", "FAKETIME_TIMESTAMP_FILE=\(file)",
            "FAKETIME_NO_CACHE=1", "setpriv", "--pdeathsig", "KILL",
        ]
    }

    /// Lets the clock jump, now.
    func set(days: Int) throws {
        try AtomicFile.write("\(days < 0 ? "" : "+")\(days)d\n".utf8, to: file)
    }
}

/// A boot clock an hour ahead, which counts the time that a machine sleeps.
private enum Suspension {
    static let command = [
        "unshare", "--user", "--map-root-user", "--time", "--boottime", "3600", "--fork", "--kill-child",
    ]

    static let isPossible = {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command + ["true"]
        do { try process.run() } catch { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()
}

extension Probe {
    /// What a process in the mode `clock` reported.
    fileprivate var beats: [(revision: Int64, time: Int)] {
        lines.compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 3, words[0] == "beat" else { return nil }
            return Int64(words[1]).flatMap { revision in Int(words[2]).map { (revision, $0) } }
        }
    }
}
