import Base
import FoundationEssentials

/// Compares what the store's processes reported with what the store holds.
struct ProbeVerdict {
    /// What is known of one key, which one process alone writes.
    private struct Key {
        var acknowledged = 0
        var tried: Set<Int> = []
        var refused: Set<Int> = []

        /// Whether the store may hold that value: the last acknowledged one, or a later one that nobody was told about.
        func allows(_ value: Int) -> Bool {
            value == acknowledged || (value > acknowledged && tried.contains(value) && !refused.contains(value))
        }
    }

    private let reports: String
    private let earlier: Earlier
    private var keys: [String: Key] = [:]
    private var revisions: [String: [Int64]] = [:]
    private var sum = (acknowledged: 0, unclear: 0)
    private var turns: [(fence: Int64, revision: Int64)] = []
    private var maintenance: [ClosedRange<Int64>] = []
    private(set) var acknowledged = 0
    private(set) var broken = BrokenPromises("the processes of one store")

    /// Errors that leave open whether the batch was committed.
    private static let unclear: Set = ["outcomeUnknown"]
    /// Errors that a process may see while others are broken and the disk is full.
    private static let expected: Set = [
        "maintenance", "unavailable", "conflict", "outcomeUnknown", "contention", "compacted", "locked",
    ]

    /// What the store held before the processes began.
    struct Earlier: Sendable {
        var values: [String: String] = [:]
        var sum: Int64 = 0
    }

    /// Prepares a look at the reports in a directory, about processes that found a store with `earlier` values.
    init(reports: String, earlier: Earlier) {
        self.reports = reports
        self.earlier = earlier
    }

    /// What the store holds, for the next processes.
    static func earlier(in file: StoreFile) throws -> Earlier {
        let values = try file.rows("SELECT id, data FROM record WHERE type = 'value'").map { ($0[0], $0[1]) }
        return Earlier(values: Dictionary(values) { $1 }, sum: try sum(in: file))
    }

    private static func sum(in file: StoreFile) throws -> Int64 {
        try file.numbers("SELECT CAST(data AS TEXT) FROM record WHERE type = 'sum'").first?.first ?? 0
    }

    /// Checks all reports against the file, whose processes have ended.
    mutating func check(_ file: StoreFile) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: reports) { try read("\(reports)/\(name)") }
        try checkKeys(file)
        try checkEvents(file)
        let value = try Self.sum(in: file) - earlier.sum
        broken.expect(
            (Int64(sum.acknowledged)...Int64(sum.acknowledged + sum.unclear)).contains(value),
            "\(sum.acknowledged) additions acknowledged, \(sum.unclear) unclear, the sum is \(value)"
        )
        for (one, next) in zip(turns.sorted { $0.fence < $1.fence }, turns.sorted { $0.fence < $1.fence }.dropFirst()) {
            broken.expect(
                one.fence == next.fence || one.revision < next.revision,
                "fence \(one.fence) wrote at \(one.revision), after the holder of fence \(next.fence)"
            )
        }
        for revisions in revisions.values {
            let isOrdered = zip(revisions, revisions.dropFirst()).allSatisfy { $0 < $1 }
            broken.expect(isOrdered, "one writer's commits have revisions in another order")
        }
    }

    private mutating func checkKeys(_ file: StoreFile) throws {
        let records = try Dictionary(
            file.rows("SELECT id, data FROM record WHERE type = 'value'").map { ($0[0], $0[1]) }
        ) { $1 }
        let live = try Dictionary(
            file.rows("SELECT key, data FROM live WHERE key LIKE 'value/%'").map { ($0[0], $0[1]) }
        ) { $1 }
        for (name, key) in keys {
            let value = Int(records[name] ?? "0") ?? -1
            broken.expect(
                key.allows(value),
                "\(name) is \(value); acknowledged \(key.acknowledged), refused \(key.refused.contains(value))"
            )
            broken.expect(records[name] == live["value/\(name)"], "\(name): half a batch")
        }
        for (name, value) in records where keys[name] == nil {
            broken.expect(earlier.values[name] == value, "\(name) was never written")
        }
        for name in earlier.values.keys { broken.expect(records[name] != nil, "\(name) of an earlier round is gone") }
    }

    private mutating func checkEvents(_ file: StoreFile) throws {
        var last: [String: Int] = [:]
        for row in try file.rows("SELECT data, revision FROM event WHERE stream = 'all' ORDER BY sequence") {
            let parts = row[0].split(separator: " ")
            let (name, number, revision) = (String(parts[0]), Int(parts[1]) ?? -1, Int64(row[1]) ?? 0)
            broken.expect(last[name] ?? 0 < number, "event \(row[0]) is out of order")
            last[name] = number
            broken.expect(keys[name]?.refused.contains(number) == false, "event \(row[0]) of a refused batch")
            let window = maintenance.first { $0.contains(revision) }
            broken.expect(
                window == nil,
                "event \(row[0]) at \(revision), in maintenance from \(window?.lowerBound ?? 0)"
            )
        }
        for (name, number) in last {
            broken.expect(keys[name].map { $0.acknowledged <= number } ?? false, "\(name): its last event is missing")
        }
    }

    private mutating func read(_ path: String) throws {
        var on: Int64?
        var pending = false
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            // That process ended at once: on a full disk a store may not open.
            if words.starts(with: ["error", "unavailable"]) { continue }
            guard words.count >= 3, let number = Int(words[2]) else {
                broken.expect(false, "\(path): \(line)")
                continue
            }
            let revision = words.count > 3 ? Int64(words[3]) ?? 0 : Int64(number)
            switch (words[0], words[1]) {
            case ("try", "sum"): pending = true
            case ("ack", "sum"):
                pending = false
                sum.acknowledged += 1
                acknowledged += 1
            case ("no", "sum"):
                pending = false
                if Self.unclear.contains(words[3]) { sum.unclear += 1 }
                expectKnown(words, line)
            case ("try", let key): keys[key, default: Key()].tried.insert(number)
            case ("ack", let key):
                keys[key, default: Key()].acknowledged = number
                revisions[key, default: []].append(revision)
                acknowledged += 1
            case ("no", let key):
                if !Self.unclear.contains(words[3]) { keys[key, default: Key()].refused.insert(number) }
                expectKnown(words, line)
            case ("noturn", _), ("nofollow", _): expectKnown(words, line)
            case ("turn", let fence): turns.append((Int64(fence) ?? 0, Int64(number)))
            case ("gap", _): broken.expect(false, "a follower missed an event: \(line)")
            case ("maintenance", "on"): on = Int64(number)
            case ("maintenance", "off"):
                if let start = on, start < number { maintenance.append(start...Int64(number)) }
                on = nil
            case ("maintenance", _): on = nil
            default: broken.expect(false, "\(path): \(line)")
            }
        }
        if pending { sum.unclear += 1 }
    }

    private mutating func expectKnown(_ words: [String], _ line: Substring) {
        broken.expect(words.count > 3 && Self.expected.contains(words[3]), "an error that nobody should see: \(line)")
    }
}
