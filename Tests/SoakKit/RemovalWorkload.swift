import Base
import HTTPTransport
import HTTPTypes
import Model
import TestSupport
import WorkerClients

/// Removes runs that have ended, and single logs, while components are being broken, and restarts some from their failed tasks first:
/// the new run has the logs of the other tasks, whatever becomes of the old one.
struct RemovalWorkload: Sendable {
    private let site: ComponentSite
    private let ledger: RunLedger

    /// Of so many runs that were seen to end, one is removed.
    private static let share = 4

    init(site: ComponentSite, ledger: RunLedger) {
        self.site = site
        self.ledger = ledger
    }

    /// Removes one thing after the other until the time is over.
    func work(_ random: SeededGenerator, until end: Deadline) async throws {
        var random = random
        while !end.isPast {
            try await Task.sleep(for: .milliseconds(.random(in: 100...1_500, using: &random)))
            guard let run = try await choose(&random) else { continue }
            let page = ledger.page
            let mayRemove = page.ended.count >= Self.share * (page.removedRuns.count + 1)
            let isHalfDone = run.result == .failed && run.tasks.values.contains { $0.status == .success }
            if isHalfDone, Bool.random(using: &random) {
                try await restart(run, andRemove: mayRemove)
            } else if mayRemove, Bool.random(using: &random) {
                try await remove(run)
            } else {
                try await removeLog(of: run, &random)
            }
        }
    }

    /// A run that has ended and that nobody looks at, half of the time one that failed.
    private func choose(_ random: inout SeededGenerator) async throws -> Run? {
        let page = ledger.page
        var candidates = page.ended.filter { page.removedRuns[$0] == nil }.sorted()
        if Bool.random(using: &random) {
            let query = RunQuery(group: site.group, limit: 20, results: ["failed"])
            let failed = Set(try await persistently { try await site.runservice.runs(query) }.runs.map(\.number))
            candidates = candidates.filter(failed.contains)
        }
        guard let number = candidates.randomElement(using: &random) else { return nil }
        return try await persistently { try await site.runservice.run(number: number, in: site.group).run }
    }

    private struct Action: Encodable {
        let action_type = "restart"
        let from_start = false
    }

    private struct Restarted: Decodable {
        let number: Int64
    }

    private func restart(_ run: Run, andRemove isRemoved: Bool) async throws {
        let number = try await persistently {
            let path = "\(ComponentSite.projectPath)/runs/\(run.number)/actions"
            return try await site.api.send(.put, path, Action(), as: Restarted.self).number
        }
        ledger.note { $0.restarts += 1 }
        if isRemoved { try await remove(run) }
        try await patiently("the restarted run \(number) ends", within: .seconds(90)) {
            try await persistently { try await site.runservice.run(number: number, in: site.group).run }.phase
                .isFinished
        }
        ledger.note { $0.ended.insert(number) }
    }

    private func remove(_ run: Run) async throws {
        ledger.note { $0.removedRuns[run.number] = RunLedger.RemovedRun(run) }
        let isFirst = try await remove("run \(run.number)", code: "runDoesNotExist", "runs/\(run.number)")
        ledger.note { $0.removedRuns[run.number]?.acknowledge(atOnce: isFirst) }
        try await expectGone("run \(run.number)") {
            _ = try await site.runservice.run(number: run.number, in: site.group)
        }
    }

    private func removeLog(of run: Run, _ random: inout SeededGenerator) async throws {
        let tasks = run.tasks.values.filter { $0.status == .success }.sorted { $0.name < $1.name }
        guard let task = tasks.randomElement(using: &random),
            let step = task.steps.indices.randomElement(using: &random)
        else { return }
        let log = RunLedger.RemovedLog(task: task.id, step: step)
        guard ledger.page.removedLogs[log] == nil else { return }
        ledger.note { $0.removedLogs[log] = false }
        _ = try await remove(
            "log \(step) of \(task.name) in run \(run.number)",
            code: "logDoesNotExist",
            "runs/\(run.number)/tasks/\(task.id)/logs",
            query: [("step", "\(step)")]
        )
        ledger.note { $0.removedLogs[log] = true }
        try await expectGone("log \(step) of \(task.name) in run \(run.number)") {
            _ = try await site.runservice.log(.step(step), of: task.id, run: run.id).collect()
        }
    }

    /// Asks until it is done.
    /// - Returns: whether the first answer said so; otherwise a lost one may have.
    private func remove(
        _ what: String,
        code: String,
        _ path: String,
        query: [(String, String)] = []
    ) async throws -> Bool {
        var calls = 0
        var isCertain = false
        try await attempt("remove \(what)") {
            try await persistently {
                calls += 1
                do {
                    try await site.api.send(.delete, "\(ComponentSite.projectPath)/\(path)", query: query)
                    isCertain = calls == 1
                } catch let error where ErrorChain(error).first(RemoteError.self)?.code == code {
                    // Also at the first call: the gateway repeats what it sent on a connection that died.
                }
            }
        }
        return isCertain
    }

    private func expectGone(_ what: String, _ read: () async throws -> Void) async throws {
        do {
            try await persistently(read)
        } catch  where ErrorChain(error).first(RemoteError.self)?.kind == .notExist {
            return
        }
        throw Failure("\(what) was removed, and is there")
    }
}
