import Base
import FoundationEssentials
import Model
import Store

/// The scheduler's state as one read transaction sees it.
struct SchedulerSnapshot: Sendable {
    private var runs: [SchedulerState.ActiveRun] = []
    private var executors: [ExecutorID: ExecutorRegistration] = [:]
    private var assignments: [SchedulerState.Assignment] = []
    private(set) var ledger = SchedulerLedger()

    /// Reads all live keys.
    init(_ tx: ReadTransaction) throws {
        for (_, data) in try all(RunKeys.liveRuns, in: tx) {
            let run = try JSONCoding.decode(Run.self, from: data)
            guard let stored = try tx.record(type: RunKeys.definition, id: run.definition.text) else {
                throw Failure("run \(run.id) lacks its definition \(run.definition)")
            }
            let definition = try JSONCoding.decode(RunDefinition.self, from: stored.data)
            runs.append(SchedulerState.ActiveRun(run: run, definition: definition))
        }
        for (_, data) in try all(RunKeys.liveTasks, in: tx) {
            assignments.append(try JSONCoding.decode(SchedulerState.Assignment.self, from: data))
        }
        for (id, data) in try all(RunKeys.liveExecutors, in: tx) {
            executors[ExecutorID(id)] = try JSONCoding.decode(ExecutorRegistration.self, from: data)
        }
    }

    /// The state; executors get their full time from `date` on before they count as lost.
    func state(seenAt date: Date) -> SchedulerState {
        SchedulerState(
            runs: runs,
            executors: executors.mapValues { SchedulerState.ExecutorState(registration: $0, lastSeen: date) },
            assignments: assignments
        )
    }

    private mutating func all(_ prefix: String, in tx: ReadTransaction) throws -> [(id: String, data: Data)] {
        var found: [(id: String, data: Data)] = []
        var after: String?
        while true {
            let page = try tx.live(prefix: prefix, after: after)
            for (key, value) in page {
                ledger.note(live: key, value.revision)
                found.append((String(key.dropFirst(prefix.count)), value.data))
            }
            guard let last = page.last else { return found }
            after = last.key
        }
    }
}
