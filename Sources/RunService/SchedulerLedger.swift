import Base
import FoundationEssentials
import Model
import Store

/// What the scheduler knows of the store: revisions of what it wrote last, and the counters.
///
/// Everything the scheduler writes expects what is recorded here, so that a second process on the same store cannot be overwritten
/// unnoticed.
struct SchedulerLedger: Sendable {
    private var live: [String: Revision] = [:]
    private var counters: [String: (value: Int64, revision: Revision?)] = [:]

    /// Notes a live key as it was read.
    mutating func note(live key: String, _ revision: Revision) {
        live[key] = revision
    }

    /// Notes a counter as it was read; nil when it does not exist yet.
    mutating func note(counter id: String, value: Int64, _ revision: Revision?) {
        counters[id] = (value, revision)
    }

    /// Whether the counter has been read.
    func knows(counter id: String) -> Bool { counters[id] != nil }

    /// Starts a batch.
    func draft() -> Draft { Draft(ledger: self) }

    /// Takes over what a committed draft wrote.
    mutating func commit(_ draft: Draft, at revision: Revision) {
        for (key, value) in draft.live { live[key] = value == nil ? nil : revision }
        for (id, value) in draft.counters { counters[id] = (value, revision) }
    }

    /// A batch in the making; several events may change one key, which is written once.
    struct Draft {
        private let ledger: SchedulerLedger
        fileprivate var live: [String: Data?] = [:]
        fileprivate var counters: [String: Int64] = [:]
        /// The runs that the batch creates.
        private(set) var created: [RunDefinitionID: Run] = [:]
        private var records: [(type: String, id: String, data: Data, isNew: Bool)] = []
        private var events: [Data] = []
        private var sources: Set<RunID> = []

        fileprivate init(ledger: SchedulerLedger) {
            self.ledger = ledger
        }

        var isEmpty: Bool { live.isEmpty && counters.isEmpty && records.isEmpty && events.isEmpty }

        /// Counts on and returns the number.
        mutating func next(counter id: String) -> Int64 {
            let number = (counters[id] ?? ledger.counters[id]?.value ?? 0) + 1
            counters[id] = number
            return number
        }

        /// Expects that an ended run is still in the store.
        mutating func expect(_ source: RunID) {
            sources.insert(source)
        }

        mutating func add(_ definition: RunDefinition, of run: Run) throws {
            created[definition.id] = run
            records.append((RunKeys.definition, definition.id.text, try JSONCoding.encode(definition), true))
        }

        mutating func add(_ effect: SchedulerEffect) throws {
            switch effect {
            case .saveRun(let run): live[RunKeys.liveRuns + run.id.text] = try JSONCoding.encode(run)
            case .archiveRun(let run):
                live[RunKeys.liveRuns + run.id.text] = .some(nil)
                records.append((RunKeys.run, run.id.text, try JSONCoding.encode(run), false))
            case .saveAssignment(let task): live[RunKeys.liveTasks + task.spec.id.text] = try JSONCoding.encode(task)
            case .removeAssignment(let task): live[RunKeys.liveTasks + task.text] = .some(nil)
            case .saveExecutor(let id, let registration):
                live[RunKeys.liveExecutors + id.text] = try JSONCoding.encode(registration)
            case .removeExecutor(let id): live[RunKeys.liveExecutors + id.text] = .some(nil)
            case .event(let event): events.append(try JSONCoding.encode(event))
            case .wake: break
            }
        }

        /// The batch with everything it expects.
        func batch() throws -> Batch {
            var batch = Batch()
            for (key, value) in live.sorted(by: { $0.key < $1.key }) {
                if let revision = ledger.live[key] {
                    batch.expect(.live(key: key, .revision(revision)))
                } else {
                    batch.expect(.live(key: key, .absent))
                }
                if let value { batch.put(live: key, value) } else { batch.delete(live: key) }
            }
            for (id, value) in counters.sorted(by: { $0.key < $1.key }) {
                let presence = ledger.counters[id]?.revision.map(Presence.revision) ?? .absent
                batch.expect(.record(type: RunKeys.counter, id: id, presence))
                batch.put(record: id, type: RunKeys.counter, try JSONCoding.encode(value))
            }
            for record in records {
                if record.isNew { batch.expect(.record(type: record.type, id: record.id, .absent)) }
                batch.put(record: record.id, type: record.type, record.data)
            }
            for run in sources { batch.expect(.record(type: RunKeys.run, id: run.text, .present)) }
            for event in events { batch.append(event: event, to: RunKeys.events) }
            return batch
        }
    }
}
