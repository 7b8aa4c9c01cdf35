import Base
import Foundation
import Store

/// A process that works on a store until it is killed, for the tests that need a second process.
///
/// It reports line by line in a file: what is written there survives the process.
@main
struct StoreCrashProbe {
    let store: ServiceStore
    let report: Report

    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 4 else {
            throw Failure("usage: StoreCrashProbe <mode> <directory> <report> [argument …]")
        }
        let report = try Report(path: arguments[3])
        do {
            if arguments[1] == "objects" { try await ObjectWriter(directory: arguments[2], report: report).run() }
            if arguments[1] == "removeobjects" {
                try await ObjectWriter(directory: arguments[2], report: report).remove()
            }
            if arguments[1] == "fillobjects" {
                return try await ObjectWriter(directory: arguments[2], report: report).fill()
            }
            let store = try await LocalStore.open(directory: arguments[2], projections: [])
            let probe = StoreCrashProbe(store: store, report: report)
            try await probe.run(arguments[1], Array(arguments[4...]))
        } catch {
            report.write("error \(StoreError.kind(of: error)?.rawValue ?? "other") \(error)")
            exit(1)
        }
    }

    private func run(_ mode: String, _ arguments: [String]) async throws {
        switch mode {
        case "write": try await write(as: arguments[0])
        case "lock": try await lock(arguments[0], ttl: .milliseconds(Int(arguments[1]) ?? 0), release: arguments[2])
        case "follow": try await follow(stream: arguments[0])
        case "count": try await count(arguments[0], times: Int(arguments[1]) ?? 0)
        case "fill": try await fill()
        case "import": try await ImportTrial(store: store, report: report).run(path: arguments[0])
        case "refused": await refused(type: arguments[0])
        case "rewrite": try await rewrite(keys: Int(arguments[0]) ?? 0)
        case "soak": try await SoakWriter(store: store, report: report, name: arguments[0]).run()
        case "clock":
            try await ClockWatcher(store: store, report: report).run(ttl: .milliseconds(Int(arguments[0]) ?? 0))
        case "toggle": try await SoakWriter.toggle(store, report)
        default: throw Failure("unknown mode \(mode)")
        }
    }

    /// Commits as fast as it can from four tasks: a record, a live key, an event and a group each time.
    private func write(as name: String) async throws {
        try await withThrowingTaskGroup { group in
            for writer in 0..<4 {
                group.addTask {
                    for number in 1... {
                        let key = "\(name)-\(writer)"
                        var batch = Batch()
                        batch.put(record: key, type: "counter", Data("\(number)".utf8))
                        batch.put(live: "last/\(key)", Data("\(number)".utf8))
                        batch.append(event: Data("\(key) \(number)".utf8), to: "all")
                        batch.touch(group: key)
                        let committed = try await store.commit(batch)
                        report.write("ack \(writer) \(number) \(committed.events["all"]?.lowerBound ?? 0)")
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Takes a lock, says so, waits until the file `release` exists, and then commits under the fence.
    private func lock(_ name: String, ttl: Duration, release: String) async throws {
        let handle = try await store.authority.acquire(lock: name, ttl: ttl, wait: true)
        report.write("fence \(handle.fence)")
        while !FileManager.default.fileExists(atPath: release) { try await Task.sleep(for: .milliseconds(5)) }
        var batch = Batch()
        batch.expect(.fence(handle))
        batch.put(record: "holder", type: "lock", Data("\(handle.fence)".utf8))
        do {
            _ = try await store.commit(batch)
            report.write("committed")
        } catch {
            report.write("refused \(StoreError.kind(of: error)?.rawValue ?? "other")")
        }
    }

    /// Reports every event of a stream as it arrives.
    private func follow(stream: String) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { try await store.run() }
            group.addTask {
                report.write("following")
                for try await event in store.store.eventsFollowing(stream: stream, after: 0) {
                    report.write("event \(event.sequence)")
                }
            }
            try await group.waitForAll()
        }
    }

    /// Writes until the disk is full, reads, makes room and writes on.
    private func fill() async throws {
        let ballast = "\(store.store.directory)/ballast"
        try AtomicFile.write([UInt8](repeating: 1, count: 1 << 20), to: ballast)
        var written = 0
        do {
            while true {
                var batch = Batch()
                batch.put(record: "\(written)", type: "block", Data(count: 50_000))
                _ = try await store.commit(batch)
                written += 1
            }
        } catch {
            report.write("refused \(StoreError.kind(of: error)?.rawValue ?? "other")")
        }
        let count = try await store.read { try $0.records(type: "block", limit: 10_000).count }
        report.write(count == written ? "read same" : "read \(count) of \(written)")
        try FileManager.default.removeItem(atPath: ballast)
        var batch = Batch()
        batch.put(record: "after", type: "block", Data(count: 50_000))
        _ = try await store.commit(batch)
        report.write("recovered")
    }

    /// Commits three batches one after the other and reports what came of each.
    private func refused(type: String) async {
        for id in ["first", "second", "third"] {
            var batch = Batch()
            batch.put(record: id, type: type, Data(id.utf8))
            batch.put(live: "\(type)/\(id)", Data(id.utf8))
            do {
                _ = try await store.commit(batch)
                report.write("\(id) committed")
            } catch {
                report.write("\(id) \(StoreError.kind(of: error)?.rawValue ?? "other")")
            }
        }
    }

    /// Writes all keys anew with every batch, each time with another value.
    private func rewrite(keys: Int) async throws {
        for round in 0... {
            var batch = Batch()
            for key in 0..<keys { batch.put(live: "page/\(key)", Data("\(round)".utf8)) }
            _ = try await store.commit(batch)
            report.write("round \(round)")
        }
    }

    /// Raises one shared counter so many times, against everybody else who does the same.
    private func count(_ id: String, times: Int) async throws {
        for _ in 0..<times {
            _ = try await store.update(maxAttempts: 1_000) { tx in
                let stored = try tx.record(type: "counter", id: id)
                let number = stored.flatMap { Int(String(decoding: $0.data, as: UTF8.self)) } ?? 0
                var batch = Batch()
                batch.expect(.record(type: "counter", id: id, stored.map { .revision($0.revision) } ?? .absent))
                batch.put(record: id, type: "counter", Data("\(number + 1)".utf8))
                return batch
            }
        }
        report.write("done")
    }
}
