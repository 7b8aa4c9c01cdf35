import Base
import FoundationEssentials
import HTTPTransport
import Model
import ServiceKit
import TestSupport
import Testing
import WorkerClients

/// Looks at everything that is left after components were killed: nothing may be missing, and nothing there twice.
struct KillVerdict: Sendable {
    let site: ComponentSite
    let ledger: KillWorkload.Ledger
    let evidence: String?
    let seed: UInt64

    /// Waits until every run has ended, and checks all of them.
    func check() async throws {
        try await eventually("every run ends, seed \(seed)", within: .seconds(60)) {
            let active = RunQuery(group: site.group, limit: 0, phases: ["queued", "running"])
            return try await persistently { try await site.runservice.runs(active) }.runs.isEmpty
        }
        let runs = try await site.runservice.runs(RunQuery(group: site.group, limit: 0, ascending: true)).runs
        checkAcknowledged(runs)
        for run in runs { checkEnd(of: run) }
        checkFailures(runs)
        try checkEvidence(runs)
        for run in runs { try await checkLogs(of: run) }
    }

    private func checkAcknowledged(_ runs: [Run]) {
        #expect(runs.map(\.number) == Array(1...Int64(max(runs.count, 1))), "seed \(seed)")
        let pushed = runs.filter { $0.annotations["run_creation_trigger"] == "webhook" }
        let commits = Dictionary(grouping: pushed) { $0.annotations["commit_sha"] ?? "" }.mapValues(\.count)
        for commit in ledger.pushes { #expect(commits[commit] == 1, "push of \(commit), seed \(seed)") }
        #expect(commits.values.allSatisfy { $0 == 1 }, "seed \(seed)")
        let requested = Set(runs.map(\.number)).subtracting(pushed.map(\.number))
        #expect(Set(ledger.numbers).count == ledger.numbers.count, "seed \(seed)")
        #expect(requested.isSuperset(of: ledger.numbers), "seed \(seed)")
    }

    private func checkEnd(of run: Run) {
        #expect(run.phase == .finished && run.setupErrors.isEmpty, "run \(run.number), seed \(seed)")
        let isGreen = run.tasks.values.allSatisfy { $0.status == .success }
        #expect(run.result == (isGreen ? .success : .failed), "run \(run.number), seed \(seed)")
        for task in run.tasks.values {
            #expect(task.attempt <= 1, "run \(run.number) \(task.name), seed \(seed)")
            switch task.status {
            case .success: #expect(task.steps.allSatisfy { $0.phase == .success && $0.logBytes != nil })
            case .failed: #expect(task.failError == "executor restarted", "run \(run.number), seed \(seed)")
            case .skipped: #expect(!isGreen && task.attempt == 0, "run \(run.number), seed \(seed)")
            case .notstarted, .cancelled, .running, .stopped:
                Issue.record("run \(run.number) \(task.name) is \(task.status), seed \(seed)")
            }
        }
    }

    /// A task fails only with its executor, which runs four at once.
    private func checkFailures(_ runs: [Run]) {
        let deaths = ledger.kills.filter { $0.component == .executor }.map(\.time)
        let failed = runs.flatMap { run in
            run.tasks.values.filter { $0.status == .failed }.map { (run, $0) }
        }
        #expect(failed.count <= 4 * deaths.count, "seed \(seed)")
        for (run, task) in failed {
            let end = task.endTime ?? .distantPast
            #expect(
                deaths.contains { $0 >= run.enqueueTime && $0 <= end },
                "run \(run.number) \(task.name) failed, but no executor died, seed \(seed)"
            )
        }
    }

    /// Every step that is said to have run has run once, and no other has run more than once.
    private func checkEvidence(_ runs: [Run]) throws {
        guard let evidence else { return }
        let lines = try String(contentsOfFile: evidence, encoding: .utf8).split(separator: "\n")
        let counts = Dictionary(grouping: lines) { String($0) }.mapValues(\.count)
        #expect(counts.values.allSatisfy { $0 == 1 }, "\(counts.filter { $0.value != 1 }), seed \(seed)")
        for run in runs {
            for task in run.tasks.values {
                for (index, step) in task.steps.enumerated() where step.phase == .success {
                    #expect(counts["\(run.number) \(task.name) \(index)"] == 1, "seed \(seed)")
                }
            }
        }
    }

    private func checkLogs(of run: Run) async throws {
        for task in run.tasks.values {
            for (index, step) in task.steps.enumerated() {
                let followed = ledger.followed[.init(run: run.number, task: task.name, step: index)]
                let place: Comment = "run \(run.number) \(task.name) \(index), seed \(seed)"
                guard step.phase != .notstarted else {
                    #expect(followed == nil, place)
                    continue
                }
                let reply = try await site.runservice.log(.step(index), of: task.id, run: run.id)
                let log = try await reply.collect()
                let wanted = NumbersPipeline.log(run: run.number, task: task.name, step: index)
                #expect(Int64(log.count) == step.logBytes, place)
                #expect(step.phase == .success ? log == wanted : wanted.starts(with: log), place)
                if let followed { #expect(followed == log, place) }
            }
        }
    }
}
