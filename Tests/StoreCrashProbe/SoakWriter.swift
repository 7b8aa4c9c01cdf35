import Base
import Foundation
import Store

/// Works on a store in every way at once, whatever fails, and reports each attempt before and after: what is reported as done must be
/// there, what is reported as refused must not.
struct SoakWriter: Sendable {
    let store: ServiceStore
    let report: Report
    let name: String

    func run() async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { try await store.run() }
            for writer in 0..<4 { group.addTask { await write("\(name)-\(writer)") } }
            group.addTask { await count() }
            group.addTask { await takeTurns() }
            group.addTask { try await follow() }
            try await group.waitForAll()
        }
    }

    /// One key after another value: a record, a live key, an event and a group in each batch.
    private func write(_ key: String) async {
        for number in 1... {
            var batch = Batch()
            batch.put(record: key, type: "value", Data("\(number)".utf8))
            batch.put(live: "value/\(key)", Data("\(number)".utf8))
            batch.append(event: Data("\(key) \(number)".utf8), to: "all")
            batch.touch(group: key)
            report.write("try \(key) \(number)")
            do {
                let committed = try await store.commit(batch)
                report.write("ack \(key) \(number) \(committed.revision)")
            } catch {
                await refused(error, "no \(key) \(number)")
            }
        }
    }

    /// Raises a number that everybody raises.
    private func count() async {
        while true {
            report.write("try sum 1")
            do {
                let committed = try await store.update(maxAttempts: 1_000) { tx in
                    let stored = try tx.record(type: "sum", id: "sum")
                    let number = stored.flatMap { Int(String(decoding: $0.data, as: UTF8.self)) } ?? 0
                    var batch = Batch()
                    batch.expect(.record(type: "sum", id: "sum", stored.map { .revision($0.revision) } ?? .absent))
                    batch.put(record: "sum", type: "sum", Data("\(number + 1)".utf8))
                    return batch
                }
                report.write("ack sum 1 \(committed.revision)")
            } catch {
                await refused(error, "no sum 1")
            }
        }
    }

    /// Holds a lock for a while, now and then beyond its time, and writes under its fence at the beginning and the end.
    private func takeTurns() async {
        while true {
            do {
                let handle = try await store.authority.acquire(lock: "turn", ttl: .milliseconds(300), wait: true)
                for pause in [0, Int.random(in: 0...400)] {
                    try await Task.sleep(for: .milliseconds(pause))
                    var batch = Batch()
                    batch.expect(.fence(handle))
                    batch.put(record: "turn", type: "turn", Data("\(handle.fence)".utf8))
                    let committed = try await store.commit(batch)
                    report.write("turn \(handle.fence) \(committed.revision)")
                }
                try await store.authority.release(handle)
            } catch {
                await refused(error, "noturn 0 0")
            }
        }
    }

    /// Sees every event once and in order.
    private func follow() async throws {
        var last = try await store.read { try $0.oldestEvent(of: "all") } - 1
        while true {
            do {
                for try await event in store.store.eventsFollowing(stream: "all", after: last) {
                    if event.sequence != last + 1 { report.write("gap \(last) \(event.sequence)") }
                    last = event.sequence
                }
            } catch {
                await refused(error, "nofollow 0 0")
                if StoreError.kind(of: error) == .compacted {
                    last = try await store.read { try $0.oldestEvent(of: "all") } - 1
                }
            }
        }
    }

    /// Reports an error with its kind and does not repeat at once what has just failed.
    private func refused(_ error: any Error, _ line: String) async {
        let isConcurrentUpdate = ErrorChain(error).first(APIError.self)?.code == "concurrent-update"
        report.write(
            "\(line) \(isConcurrentUpdate ? "conflict" : StoreError.kind(of: error)?.rawValue ?? "other \(error)")"
        )
        // Cancellation only shortens the wait.
        try? await Task.sleep(for: .milliseconds(20))
    }

    /// Puts the store into maintenance and takes it out again, over and over.
    static func toggle(_ store: ServiceStore, _ report: Report) async throws {
        while true {
            for isOn in [true, false] {
                var batch = Batch()
                batch.expect(.maintenance(.ignored))
                if isOn {
                    batch.put(live: StoreKeys.maintenance, Data())
                } else {
                    batch.delete(live: StoreKeys.maintenance)
                }
                do {
                    let committed = try await store.commit(batch)
                    report.write("maintenance \(isOn ? "on" : "off") \(committed.revision)")
                } catch {
                    report.write("maintenance unknown 0")
                }
                try await Task.sleep(for: .milliseconds(.random(in: isOn ? 0...60 : 100...900)))
            }
        }
    }
}
