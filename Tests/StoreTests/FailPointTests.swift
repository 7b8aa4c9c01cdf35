import Base
import Foundation
import Store
import TestSupport
import Testing

/// Processes that die, stop or fail at every step of a commit.
@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct FailPointTests {
    private static let commit: [FailPoint] = [
        .storeCommitBegin, .storeCommitApplied, .storeCommitDecide, .storeCommitDecided, .storeCommitAnswer,
    ]

    @Test("a process killed at any step of a commit leaves whole batches, acknowledged ones all", arguments: commit)
    func killed(_ point: FailPoint) async throws {
        let store = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [])
        for round in 0..<8 {
            let pass = round == 0 ? 1 : Int.random(in: 2...40)
            let probe = try Probe("write", ["r\(round)"], failPoints: "\(point.rawValue)=kill@\(pass)")
            #expect(try await probe.wait() == SIGKILL, "killed itself at pass \(pass)")
            try await checkWriter("r\(round)", lines: probe.lines, mustAcknowledge: false, in: store)
        }
        try await checkEvents(of: store)
    }

    @Test("a commit that the disk refuses is refused whole, and the process goes on", arguments: ["ENOSPC", "EIO"])
    func refused(_ error: String) async throws {
        for point in [FailPoint.storeCommitBegin, .storeCommitApplied, .storeCommitDecide] {
            let probe = try Probe("refused", [point.rawValue], failPoints: "\(point.rawValue)=\(error)@2")
            #expect(try await probe.line("first") == "first committed")
            #expect(try await probe.line("second") == "second unavailable", "\(probe.lines)")
            #expect(try await probe.line("third") == "third committed", "\(probe.lines)")
            #expect(try await probe.wait() == 0)
            let store = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [])
            let found = try await store.read { tx in
                try ["first", "second", "third"].filter {
                    try tx.record(type: point.rawValue, id: $0) != nil || tx.live("\(point.rawValue)/\($0)") != nil
                }
            }
            #expect(found == ["first", "third"])
        }
    }

    @Test("a batch that is held up before its commit begins comes after those of others meanwhile, and both are there")
    func overtaken() async throws {
        let store = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [])
        let probe = try Probe("refused", ["slow"], failPoints: "store.commit.begin=pause@2")
        _ = try await probe.line("first")
        try await eventually("the process has stopped itself", within: .seconds(30)) { probe.isStopped }
        var last: Revision = 0
        for number in 0..<50 {
            last = try await store.commit(.of { $0.put(record: "\(number)", type: "fast", Data("x")) }).revision
        }
        probe.signal(SIGCONT)
        #expect(try await probe.line("third") == "third committed")
        try await probe.wait()
        let (second, count) = try await store.read { tx in
            (try tx.record(type: "slow", id: "second")?.revision, try tx.records(type: "fast", limit: 100).count)
        }
        #expect(second == last + 1 && count == 50)
    }

    @Test("a process that stops in the middle of a commit holds others up with contention, and loses nothing")
    func stoppedInside() async throws {
        var options = StoreOptions()
        options.busyTimeout = .milliseconds(200)
        let store = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [], options: options)
        let probe = try Probe("refused", ["slow"], failPoints: "store.commit.applied=pause@2")
        _ = try await probe.line("first")
        try await eventually("the process has stopped itself", within: .seconds(30)) { probe.isStopped }
        let batch = Batch.of { $0.put(record: "other", type: "fast", Data("x")) }
        #expect(await kind { _ = try await store.commit(batch) } == .contention)
        // Readers never wait for a writer.
        #expect(try await store.read { try $0.record(type: "slow", id: "first") } != nil)
        probe.signal(SIGCONT)
        #expect(try await probe.line("third") == "third committed")
        try await probe.wait()
        _ = try await store.commit(batch)
        #expect(try await store.read { try $0.record(type: "slow", id: "second") } != nil)
    }

    @Test("a follower that was stopped for hundreds of commits sees every one of them afterwards")
    func lateFollower() async throws {
        let store = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [])
        let probe = try Probe("follow", ["s"])
        _ = try await probe.line("following")
        probe.signal(SIGSTOP)
        for _ in 0..<600 { _ = try await store.commit(.of { $0.append(event: Data(), to: "s") }) }
        probe.signal(SIGCONT)
        _ = try await probe.line("event 600")
        #expect(probe.lines.dropFirst() == ArraySlice((1...600).map { "event \($0)" }))
        try await probe.end()
    }

    @Test("what one instance deleted is gone for another as soon as that has the commit's revision")
    func deletedElsewhere() async throws {
        let one = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [])
        let other = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [])
        try await beside(other.run) {
            for round in 0..<50 {
                _ = try await one.commit(.of { $0.put(record: "r", type: "t", Data("\(round)")) })
                let gone = try await one.commit(.of { $0.delete(record: "r", type: "t") }).revision
                try await other.store.waitApplied(gone, timeout: .seconds(30))
                #expect(try await other.read { try $0.record(type: "t", id: "r") } == nil)
            }
        }
    }

    @Test("listing many keys in pages shows one moment while another process writes")
    func pagesOfOneMoment() async throws {
        let store = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [])
        // Every batch rewrites all keys, so that a page of another moment would show.
        let probe = try Probe("rewrite", ["1000"])
        _ = try await probe.line("round 1")
        for _ in 0..<20 {
            let values = try await store.read { tx in
                var values: Set<Data> = []
                var last: String?
                var count = 0
                while case let page = try tx.live(prefix: "page/", after: last, limit: 37), !page.isEmpty {
                    values.formUnion(page.map(\.value.data))
                    count += page.count
                    last = page.last?.key
                }
                return (values.count, count)
            }
            #expect(values == (1, 1_000))
        }
        try await probe.end()
    }
}
