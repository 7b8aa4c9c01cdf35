import Base
import FoundationEssentials
import Model
import Store

/// Reads the runs of an export of Agola v0.7.
///
/// Agola keeps a run's names of tasks in its run config only, and all runs come before all run configs. Both come in the order of
/// the ids that they share, so runs wait on the disk until their run configs come, and meet them in one pass.
struct AgolaRunConverter: RecordConverter {
    private static let order = ["run", "runconfig", "runcounter"]

    let types = Set(order)
    var warnings: [String] { losses.warnings }

    private var waiting: RecordQueue
    private var stage = 0
    private var sequence: Int64 = 0
    /// The root groups by the project's or user's id, which is all that Agola's counters have.
    private var roots: [String: String] = [:]
    private var losses = Losses()

    init(waiting: RecordQueue) {
        self.waiting = waiting
    }

    mutating func convert(_ record: ImportedRecord) throws -> [ImportedRecord] {
        let now = Self.order.firstIndex(of: record.type) ?? stage
        guard now >= stage else { throw Self.refusal("Agola writes records of type \(record.type) earlier") }
        stage = now
        switch record.type {
        case "run":
            _ = try AgolaRun(record)
            try waiting.append(record)
            return []
        case "runconfig":
            return try join(record)
        default:
            return try counter(record)
        }
    }

    mutating func finish() throws -> [ImportedRecord] {
        try expectConfigs(before: nil)
        return sequence == 0 ? [] : [try Self.counter(RunKeys.sequence, sequence)]
    }

    /// Brings a run config together with its run.
    private mutating func join(_ record: ImportedRecord) throws -> [ImportedRecord] {
        let config = try AgolaRunConfig(record)
        try expectConfigs(before: record.id)
        guard let held = try waiting.first(), held.id == record.id else {
            losses.add("Run configs without an ended run were left out (their runs had not ended in Agola)")
            return []
        }
        waiting.removeFirst()
        let run = try AgolaRun(held)
        guard RunGroup.isValid(run.group) else {
            losses.add("Runs of groups that are no path of kinds and names were left out")
            return []
        }
        let root = RunGroup.root(of: run.group)
        roots[String(root.split(separator: "/").last ?? "")] = root
        sequence += 1
        let definition = config.definition(group: run.group, &losses)
        let converted = run.run(sequence: sequence, of: definition, &losses)
        return [
            ImportedRecord(type: RunKeys.definition, id: record.id, data: try JSONCoding.encode(definition)),
            ImportedRecord(type: RunKeys.run, id: record.id, data: try JSONCoding.encode(converted)),
        ]
    }

    /// Refuses runs whose run configs can come no more: the only sign of a stream that was cut between two objects.
    private mutating func expectConfigs(before id: String?) throws {
        guard let held = try waiting.first() else { return }
        if let id, !held.id.utf8.lexicographicallyPrecedes(id.utf8) { return }
        throw Self.refusal("run \(held.id) has no run config: the export is not whole")
    }

    private mutating func counter(_ record: ImportedRecord) throws -> [ImportedRecord] {
        try expectConfigs(before: nil)
        let value = try JSONCoding.decode(Int64.self, from: record.data)
        guard let root = roots[record.id] else {
            losses.add("Counters of projects and users without ended runs were left out")
            return []
        }
        return [try Self.counter(root, value)]
    }

    private static func counter(_ id: String, _ value: Int64) throws -> ImportedRecord {
        ImportedRecord(type: RunKeys.counter, id: id, data: try JSONCoding.encode(value))
    }

    static func refusal(_ sentence: String) -> APIError {
        APIError(.badRequest, code: "invalidRecord", sentence)
    }
}

/// The rule for ids that become parts of paths of logs: what Agola makes itself, and a little more.
enum AgolaID {
    static func isValid(_ id: String) -> Bool {
        (1...64).contains(id.utf8.count)
            && id.utf8.allSatisfy { byte in
                byte == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            }
    }
}
