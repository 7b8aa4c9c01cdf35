import Base
import FoundationEssentials
import HTTPTypes
import Model
import RunService
import ServiceKit
import WorkerClients

/// Looks whether what was removed is gone, and nothing else: runs from the lists, and what they left from the object storage.
struct RemovalVerdict: Sendable {
    private let site: ComponentSite
    private let ledger: RunLedger.Page
    private var broken = BrokenPromises("removals")

    init(site: ComponentSite, ledger: RunLedger.Page) {
        self.site = site
        self.ledger = ledger
    }

    /// Compares with the runs that are there.
    consuming func check(_ runs: [Run]) async throws -> BrokenPromises {
        guard !ledger.removedRuns.isEmpty || !ledger.removedLogs.isEmpty else { return broken }
        let there = Dictionary(runs.map { ($0.number, $0) }) { $1 }
        for (number, removal) in ledger.removedRuns where removal.isAcknowledged {
            broken.expect(there[number] == nil, "run \(number) was removed, and is there")
        }
        let objects = try await objects()
        checkRuns(objects, kept: Set(runs.flatMap(\.tasks.keys)))
        checkLogs(objects)
        let known = Set(runs.flatMap(\.tasks.keys)).union(ledger.removedRuns.values.flatMap(\.tasks))
        for task in objects.keys { broken.expect(known.contains(task), "objects of task \(task), which nobody has") }
        return broken
    }

    /// A removal that ended without a word has left nothing but what other runs use; what others left is kept for a day, and then removed.
    private mutating func checkRuns(_ objects: [TaskID: [String]], kept: Set<TaskID>) {
        let excused = ledger.removedRuns.values.filter { !$0.wasDoneAtOnce || isExcused($0.id) }
        let unclear = kept.union(excused.flatMap(\.tasks))
        for (number, removal) in ledger.removedRuns {
            let left = removal.tasks.filter { !unclear.contains($0) }.flatMap { objects[$0] ?? [] }
            broken.expect(left.isEmpty, "the removed run \(number) has left \(left)")
        }
    }

    private mutating func checkLogs(_ objects: [TaskID: [String]]) {
        for (log, isAcknowledged) in ledger.removedLogs where isAcknowledged {
            let isThere = objects[log.task]?.contains(RunObjects.log(.step(log.step), of: log.task)) == true
            broken.expect(!isThere, "\(log) was removed, and is there")
        }
    }

    /// Whether the runservice says itself that it could not remove everything.
    private func isExcused(_ run: RunID) -> Bool {
        let log: String
        do {
            log = try String(contentsOfFile: "\(site.directory)/logs/runservice.log", encoding: .utf8)
        } catch {
            return false
        }
        return log.split(separator: "\n").contains { $0.contains("left for later") && $0.contains(run.text) }
    }

    private struct Object: Decodable {
        let name: String
    }

    /// The names of all logs, archives and their markers, by task.
    private func objects() async throws -> [TaskID: [String]] {
        let runservice = try site.connection(to: .runservice)
        var objects: [TaskID: [String]] = [:]
        var last = ""
        while true {
            let page = try await persistently {
                try await runservice.get("/api/v1alpha/backup/objects", query: [("after", last)], as: [Object].self)
            }
            guard let end = page.last?.name else { return objects }
            for name in page.map(\.name) {
                objects[TaskID(String(name.split(separator: "/")[1])), default: []].append(name)
            }
            last = end
        }
    }
}
