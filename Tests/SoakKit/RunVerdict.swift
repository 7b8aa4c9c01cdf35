import Base
import FoundationEssentials
import HTTPTransport
import Model
import WorkerClients

/// Looks at runs after components were broken: nothing may be missing, and nothing there twice.
package struct RunVerdict: Sendable {
    private let site: ComponentSite
    private let ledger: RunLedger.Page
    private let evidence: String?
    private let mayFail: Bool
    private var broken = BrokenPromises("runs")
    /// The run in which a task ran: a run that was restarted from its failed tasks keeps the others.
    private var origins: [TaskID: Int64] = [:]

    /// Prepares the look.
    /// - Parameters:
    ///   - site: the installation, whose components all run.
    ///   - ledger: what the outside world was told.
    ///   - evidence: the file in which every step that ran has left a line.
    ///   - mayFail: whether more than dead executors may have made tasks fail: a full disk, for instance.
    package init(site: ComponentSite, ledger: RunLedger.Page, evidence: String?, mayFail: Bool = false) {
        self.site = site
        self.ledger = ledger
        self.evidence = evidence
        self.mayFail = mayFail
    }

    /// Waits until every run has ended, and checks all of them; logs only of those beyond a number.
    /// - Returns: what promises are broken, how many values were looked at, and the highest number.
    package consuming func check(logsBeyond seen: Int64 = 0) async throws -> (broken: BrokenPromises, last: Int64) {
        do {
            try await site.untilRest()
        } catch let error as Failure {
            broken.expect(false, "\(error)")
        }
        let runs = try await persistently {
            try await site.runservice.runs(RunQuery(group: site.group, limit: 0, ascending: true)).runs
        }
        noteOrigins(runs)
        checkAcknowledged(runs)
        for run in runs { checkEnd(of: run) }
        checkFailures(runs)
        try checkEvidence(runs)
        for run in runs where run.number > seen { try await checkLogs(of: run) }
        broken.add(try await RemovalVerdict(site: site, ledger: ledger).check(runs))
        return (broken, runs.last?.number ?? 0)
    }

    private mutating func noteOrigins(_ runs: [Run]) {
        let tasks = runs.flatMap { run in run.tasks.keys.map { ($0, run.number) } }
        let removed = ledger.removedRuns.flatMap { number, run in run.tasks.map { ($0, number) } }
        origins = Dictionary(tasks + removed) { min($0, $1) }
    }

    /// Whether a run is another one's second try.
    private func isRestarted(_ run: Run) -> Bool {
        run.tasks.keys.contains { origins[$0] != run.number }
    }

    private mutating func checkAcknowledged(_ runs: [Run]) {
        let numbers = Set(runs.map(\.number)).union(ledger.removedRuns.keys)
        broken.expect(numbers == Set(1...max(numbers.max() ?? 1, 1)), "run numbers have gaps")
        let pushed = runs.filter { $0.annotations["run_creation_trigger"] == "webhook" && !isRestarted($0) }
        let commits = Dictionary(grouping: pushed) { $0.annotations["commit_sha"] ?? "" }.mapValues(\.count)
        let removed = Set(ledger.removedRuns.values.compactMap(\.commit))
        for commit in ledger.pushes {
            let isThere = commits[commit] == 1 || commits[commit] == nil && removed.contains(commit)
            broken.expect(isThere, "the acknowledged push of \(commit) is \(commits[commit] ?? 0) runs")
        }
        broken.expect(commits.values.allSatisfy { $0 == 1 }, "a push is several runs")
        let requested = numbers.subtracting(pushed.map(\.number))
        broken.expect(Set(ledger.numbers).count == ledger.numbers.count, "two requests were answered with one run")
        broken.expect(
            requested.isSuperset(of: ledger.numbers),
            "acknowledged runs are gone: \(Set(ledger.numbers).subtracting(requested))"
        )
    }

    private mutating func checkEnd(of run: Run) {
        let place = "run \(run.number)"
        broken.expect(run.phase == .finished, "\(place) is \(run.phase)")
        broken.expect(run.setupErrors.isEmpty, "\(place) could not start: \(run.setupErrors)")
        let isGreen = run.tasks.values.allSatisfy { $0.status == .success }
        broken.expect(run.result == (isGreen ? .success : .failed), "\(place) ended as \(run.result)")
        for task in run.tasks.values {
            broken.expect(task.attempt <= 1, "\(place) \(task.name) was attempted \(task.attempt) times")
            switch task.status {
            case .success:
                let isWhole = task.steps.allSatisfy { $0.phase == .success && $0.logBytes != nil }
                broken.expect(isWhole, "\(place) \(task.name) is green, its steps are not")
            case .failed:
                let isKnown = mayFail || ["executor restarted", "executor lost"].contains(task.failError)
                broken.expect(isKnown, "\(place) \(task.name) failed: \(task.failError ?? "for no reason")")
            case .skipped:
                broken.expect(!isGreen && task.attempt == 0, "\(place) \(task.name) was skipped after it began")
            case .notstarted, .cancelled, .running, .stopped:
                broken.expect(false, "\(place) \(task.name) is \(task.status)")
            }
        }
    }

    /// A task fails only with its executor, which runs four at once.
    private mutating func checkFailures(_ runs: [Run]) {
        guard !mayFail else { return }
        let deaths = site.processes.deaths.filter { $0.components == "executor" }.map(\.time)
        let failed = runs.flatMap { run in
            run.tasks.values.filter { $0.status == .failed }.map { (run, $0) }
        }
        broken.expect(failed.count <= 4 * deaths.count, "more tasks failed than executors could take with them")
        for (run, task) in failed {
            let end = task.endTime ?? .distantPast
            broken.expect(
                deaths.contains { $0 >= run.enqueueTime && $0 <= end },
                "run \(run.number) \(task.name) failed, but no executor died"
            )
        }
    }

    /// Every step that is said to have run has run once, and no other has run more than once.
    private mutating func checkEvidence(_ runs: [Run]) throws {
        guard let evidence else { return }
        let lines = try attempt("read \(evidence)") { try String(contentsOfFile: evidence, encoding: .utf8) }
            .split(separator: "\n")
        let counts = Dictionary(grouping: lines) { String($0) }.mapValues(\.count)
        broken.expect(counts.values.allSatisfy { $0 == 1 }, "steps ran twice: \(counts.filter { $0.value != 1 })")
        for run in runs {
            for task in run.tasks.values {
                for (index, step) in task.steps.enumerated() where step.phase == .success {
                    let line = "\(origins[task.id] ?? run.number) \(task.name) \(index)"
                    broken.expect(counts[line] == 1, "step \(line) is green and ran \(counts[line] ?? 0) times")
                }
            }
        }
    }

    private mutating func checkLogs(of run: Run) async throws {
        for task in run.tasks.values {
            for (index, step) in task.steps.enumerated() {
                let followed = ledger.followed[.init(run: run.number, task: task.name, step: index)]
                let place = "run \(run.number) \(task.name) step \(index)"
                guard step.phase != .notstarted else {
                    broken.expect(followed == nil, "\(place) has no log, but was followed")
                    continue
                }
                let removal = ledger.removedLogs[.init(task: task.id, step: index)]
                guard let log = try await log(of: task, index, in: run, place, mayBeGone: removal != nil) else {
                    continue
                }
                broken.expect(removal != true, "\(place): the log was removed, and is there")
                let origin = origins[task.id] ?? run.number
                let wanted = NumbersPipeline.log(run: origin, task: task.name, step: index)
                broken.expect(
                    Int64(log.count) == step.logBytes,
                    "\(place): \(log.count) of \(step.logBytes ?? -1) bytes"
                )
                let isRight = step.phase == .success ? log == wanted : mayFail || wanted.starts(with: log)
                broken.expect(isRight, "\(place): the log is not what was printed")
                if let followed { broken.expect(followed == log, "\(place): who followed the log saw another one") }
            }
        }
    }

    private mutating func log(
        of task: RunTask,
        _ step: Int,
        in run: Run,
        _ place: String,
        mayBeGone: Bool
    ) async throws -> [UInt8]? {
        do {
            return try await persistently {
                try await site.runservice.log(.step(step), of: task.id, run: run.id).collect()
            }
        } catch  where ErrorChain(error).first(RemoteError.self)?.kind == .notExist {
            broken.expect(mayBeGone || mayFail && task.status == .failed, "\(place) has no log: \(error)")
            return nil
        }
    }
}
