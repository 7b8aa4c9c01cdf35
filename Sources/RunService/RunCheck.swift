import Base
import FoundationEssentials
import Model
import Store

/// Checks the runs that will be there after an import: each is whole, and the next one gets a number of its own.
///
/// Memory does not grow with the runs, but for one number for each project and user.
struct RunCheck: RecordCheck {
    /// The most runs there can be: what browsers can still count.
    private static let mostRuns: Int64 = 1 << 53

    private var definitions = IdentityFilter()
    private var withoutRun = 0
    private var highest: [String: Int64] = [:]
    private var counters: [String: Int64] = [:]

    enum Content: Sendable {
        case definition(RunDefinition)
        case run(Run)
        case counter(Int64)
    }

    static func read(_ record: ImportedRecord) throws -> Content {
        // Lists are joined from the texts as they are stored, which the other encodings of JSON would spoil.
        guard !record.data.withUnsafeBytes({ $0.contains(0) }) else {
            throw refusal("\(record.type) \(record.id) is not in UTF-8")
        }
        return switch record.type {
        case RunKeys.definition: .definition(try JSONCoding.decode(RunDefinition.self, from: record.data))
        case RunKeys.run: .run(try JSONCoding.decode(Run.self, from: record.data))
        default: .counter(try JSONCoding.decode(Int64.self, from: record.data))
        }
    }

    mutating func check(_ record: ImportedRecord, _ content: Content) throws {
        switch content {
        case .definition(let definition): try check(definition, record)
        case .run(let run): try check(run, record)
        case .counter(let value): try check(counter: value, record)
        }
    }

    mutating func finish() throws -> [String] {
        for (id, number) in highest.sorted(by: { $0.key < $1.key }) where counters[id] ?? 0 < number {
            let what = id == RunKeys.sequence ? "runs of the installation" : "runs of \(id)"
            throw Self.refusal(
                "the counter of the \(what) stands at \(counters[id] ?? 0), but there is a run \(number): the export is not whole"
            )
        }
        return withoutRun > 0 ? ["Runs that had not ended when the export was made are not in it: \(withoutRun)."] : []
    }

    private mutating func check(_ definition: RunDefinition, _ record: ImportedRecord) throws {
        guard definition.id.text == record.id else { throw Self.refusal(record, "is no definition of that id") }
        guard definition.tasks.allSatisfy({ $0.key == $0.value.id }) else {
            throw Self.refusal(record, "holds a task under another id than its own")
        }
        definitions.insert(record.id)
        withoutRun += 1
    }

    private mutating func check(_ run: Run, _ record: ImportedRecord) throws {
        guard run.id.text == record.id else { throw Self.refusal(record, "is no run of that id") }
        guard run.phase.isFinished else {
            throw Self.refusal(record, "has not ended, which runs in an export have")
        }
        guard RunGroup.isValid(run.group) else { throw Self.refusal(record, "has no valid group") }
        guard run.number > 0, run.sequence > 0 else { throw Self.refusal(record, "has no number") }
        guard run.tasks.allSatisfy({ $0.key == $0.value.id }) else {
            throw Self.refusal(record, "holds a task under another id than its own")
        }
        guard definitions.mayContain(run.definition.text) else {
            throw Self.refusal(record, "is made of the definition \(run.definition), which is missing")
        }
        withoutRun -= 1
        for (id, number) in [(RunGroup.root(of: run.group), run.number), (RunKeys.sequence, run.sequence)] {
            highest[id] = max(highest[id] ?? 0, number)
        }
    }

    private mutating func check(counter value: Int64, _ record: ImportedRecord) throws {
        guard (0...Self.mostRuns).contains(value) else { throw Self.refusal(record, "is no number of runs") }
        let isRoot = RunGroup.isValid(record.id) && RunGroup.root(of: record.id) == record.id
        guard record.id == RunKeys.sequence || isRoot else { throw Self.refusal(record, "counts no project or user") }
        counters[record.id] = value
    }

    private static func refusal(_ record: ImportedRecord, _ problem: String) -> APIError {
        refusal("\(record.type) \(record.id) \(problem)")
    }

    private static func refusal(_ sentence: String) -> APIError {
        APIError(.badRequest, code: "invalidRecord", sentence)
    }
}

/// Remembers any number of identities in 4 MiB, well enough to notice that one is missing.
///
/// One that was inserted is always found; of a million others beside a million that were inserted about five are.
struct IdentityFilter: Sendable {
    private static let bits = 1 << 25
    private static let probes = 8

    private var words = [UInt64](repeating: 0, count: bits / 64)

    mutating func insert(_ id: String) {
        for bit in Self.places(of: id) { words[bit / 64] |= 1 << UInt64(bit % 64) }
    }

    func mayContain(_ id: String) -> Bool {
        Self.places(of: id).allSatisfy { words[$0 / 64] & 1 << UInt64($0 % 64) != 0 }
    }

    // Two independent hashes are as good as many (Kirsch and Mitzenmacher, "Less Hashing, Same Performance", 2006).
    private static func places(of id: String) -> [Int] {
        let (first, second) = (hash(id, salt: 0), hash(id, salt: 1) | 1)
        return (0..<probes).map { Int((first &+ UInt64($0) &* second) % UInt64(bits)) }
    }

    private static func hash(_ id: String, salt: Int) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(salt)
        hasher.combine(id)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }
}
