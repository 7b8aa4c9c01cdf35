import Base
import Foundation
import Store

/// Measures the store beside bare SQLite on the same file system, in one run: `StoreBenchmark [directory] [seconds] [runs]`.
///
/// `runs` is the length of the long history, a million by default.
@main
struct StoreBenchmark {
    let directory: String
    let duration: Duration
    private let value = Data(repeating: UInt8(ascii: "x"), count: 300)

    static func main() async throws {
        let arguments = CommandLine.arguments
        let parent = arguments.count > 1 ? arguments[1] : FileManager.default.currentDirectoryPath
        let seconds = arguments.count > 2 ? Double(arguments[2]) ?? 3 : 3
        let directory = "\(parent)/store-benchmark-\(ProcessInfo.processInfo.processIdentifier)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await StoreBenchmark(directory: directory, duration: .seconds(seconds)).run()
        let runs = arguments.count > 3 ? Int(arguments[3]) ?? 1_000_000 : 1_000_000
        try await HistoryTrial(directory: directory, long: runs).run()
    }

    private func run() async throws {
        let bare = try BareSQLite(path: "\(directory)/bare.sqlite")
        let store = try await LocalStore.open(directory: "\(directory)/store", projections: [])
        print("per second; ratio to bare SQLite (one row, FULL, WAL) measured in turns, median of \(Self.turns) turns")
        for writers in [1, 8, 64] {
            try await compare("commits of one record, \(writers) writers", bare, store, writers: writers) {
                batch,
                key in
                batch.put(record: key, type: "run", value)
            }
        }
        for writers in [1, 8] {
            let what = "commits of record + live + group + event, \(writers) writers"
            try await compare(what, bare, store, writers: writers) { batch, key in
                batch.put(record: key, type: "counter", value)
                batch.put(live: "runs/\(key)", value)
                batch.touch(group: key)
                batch.append(event: value, to: "runs")
            }
        }
        try await latency(store)
        try await reads(store, bare)
        try await wakeUps(store)
    }

    private static let turns = 7

    /// Takes turns, so that whatever else the machine does meets both.
    private func compare(
        _ what: String,
        _ bare: BareSQLite,
        _ store: ServiceStore,
        writers: Int,
        _ build: @escaping @Sendable (inout Batch, String) -> Void
    ) async throws {
        var rates: [Double] = []
        var ratios: [Double] = []
        for _ in 0..<Self.turns {
            let direct = try bare.commits(value, for: duration / Self.turns)
            let rate = try await commits(store, writers: writers, build)
            rates.append(rate)
            ratios.append(rate / direct)
        }
        let (rate, ratio) = (rates.sorted()[Self.turns / 2], ratios.sorted()[Self.turns / 2])
        report(what, "\(Int(rate))/s = \(ratio.rounded(to: 2)) of bare SQLite", "≥ 0.5")
    }

    private func commits(
        _ store: ServiceStore,
        writers: Int,
        _ build: @escaping @Sendable (inout Batch, String) -> Void
    ) async throws -> Double {
        let start = ContinuousClock.now
        let end = start.advanced(by: duration / Self.turns)
        let count = try await withThrowingTaskGroup { group in
            for writer in 0..<writers {
                group.addTask {
                    var count = 0
                    while ContinuousClock.now < end {
                        var batch = Batch()
                        build(&batch, "\(writer)-\(count % 500)")
                        _ = try await store.commit(batch)
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        return Double(count) / start.duration(to: .now).seconds
    }

    /// What one of eight writers waits for a commit of 4 KiB.
    private func latency(_ store: ServiceStore) async throws {
        let value = Data(repeating: UInt8(ascii: "x"), count: 4_096)
        let times = try await withThrowingTaskGroup { group in
            for writer in 0..<8 {
                group.addTask {
                    var times: [Duration] = []
                    for number in 0..<500 {
                        var batch = Batch()
                        batch.put(record: "\(writer)-\(number)", type: "run", value)
                        let start = ContinuousClock.now
                        _ = try await store.commit(batch)
                        times.append(start.duration(to: .now))
                    }
                    return times
                }
            }
            return try await group.reduce(into: [Duration]()) { $0 += $1 }
        }
        report("commit of 4 KiB, 8 writers", "\(Percentiles(times))", "5 / 25 ms")
    }

    private func reads(_ store: ServiceStore, _ bare: BareSQLite) async throws {
        var batch = Batch()
        for number in 0..<500 { batch.put(record: "0-\(number)", type: "run", value) }
        _ = try await store.commit(batch)
        let direct = try measure(20_000) { try bare.read() }
        report("bare SQLite read of one row", "\(direct)")
        report("record read", "\(try await read(store, 20_000))", "0.2 ms")
        let start = ContinuousClock.now
        try await withThrowingTaskGroup { group in
            for _ in 0..<8 { group.addTask { _ = try await read(store, 5_000) } }
            try await group.waitForAll()
        }
        report("record reads, 8 readers", "\(Int(40_000 / start.duration(to: .now).seconds))/s")
    }

    private func read(_ store: ServiceStore, _ count: Int) async throws -> Percentiles {
        var times: [Duration] = []
        times.reserveCapacity(count)
        for number in 0..<count {
            let start = ContinuousClock.now
            let found = try await store.read { try $0.record(type: "run", id: "0-\(number % 500)") }
            times.append(start.duration(to: .now))
            guard found != nil else { throw Failure("the record is missing") }
        }
        return Percentiles(times)
    }

    private func measure(_ count: Int, _ body: () throws -> Void) rethrows -> Percentiles {
        var times: [Duration] = []
        for _ in 0..<count {
            let start = ContinuousClock.now
            try body()
            times.append(start.duration(to: .now))
        }
        return Percentiles(times)
    }

    /// From the call of commit to the follower holding the event, in one process.
    private func wakeUps(_ store: ServiceStore) async throws {
        var times: [Duration] = []
        var events = store.store.eventsFollowing(stream: "wake", after: 0).makeAsyncIterator()
        for _ in 0..<1_000 {
            let start = ContinuousClock.now
            var batch = Batch()
            batch.append(event: value, to: "wake")
            let ready = batch
            async let committed = store.commit(ready)
            _ = try await events.next()
            times.append(start.duration(to: .now))
            _ = try await committed
        }
        report("commit called → follower has the event", "\(Percentiles(times))")
    }
}
