import Base
import HTTPTransport
import HTTPTypes
import Model
package import TestSupport
import WorkerClients

/// Makes runs on a branch, by pushes and by requests, and follows logs, while components are being broken.
package struct RunWorkload: Sendable {
    private let site: ComponentSite
    private let ledger: RunLedger
    private let branch: String

    /// Prepares work on a branch.
    package init(site: ComponentSite, ledger: RunLedger, branch: String) {
        self.site = site
        self.ledger = ledger
        self.branch = branch
    }

    /// Makes the branch's work tree.
    package func prepare(pipeline: String) async throws {
        try await site.makeTree(branch, pipeline: pipeline)
    }

    /// Makes one run after the other until it is told to end, and sees each of them to its end.
    package func work(_ random: SeededGenerator, pushesFirst: Bool, until isOver: () -> Bool) async throws {
        var random = random
        var mustPush = pushesFirst
        while !isOver() {
            let run: Run
            if mustPush || Bool.random(using: &random) {
                run = try await push()
            } else {
                run = try await request()
            }
            mustPush = false
            if Bool.random(using: &random) {
                try await follow(run)
            } else {
                try await waitForEnd(of: run)
            }
            ledger.note { $0.ended.insert(run.number) }
        }
    }

    private func push() async throws -> Run {
        // Equal commits of one second would have one name.
        let message = "Count on \(branch) after \(ledger.page.acknowledged) runs"
        let commit = try await site.commit(branch, message: message)
        var complaint = "nothing"
        try await patiently("the push to \(branch) is acknowledged; git said: \(complaint)", within: .seconds(60)) {
            ledger.note { $0.calls += 1 }
            let start = ContinuousClock.now
            let outcome = try await site.push(branch)
            complaint = "\(outcome.error) after \(start.duration(to: .now))"
            return outcome.isSuccess
        }
        ledger.note { $0.pushes.insert(commit) }
        var found: Run?
        try await patiently("the push of \(commit) to \(branch) is a run", within: .seconds(60)) {
            let page = try await persistently {
                try await site.runservice.runs(RunQuery(group: "\(site.group)/branch/\(branch)", limit: 20))
            }
            found = page.runs.first { $0.annotations["commit_sha"] == commit }
            return found != nil
        }
        guard let found else { throw Failure("the push of \(commit) is no run") }
        return found
    }

    private struct Request: Encodable {
        let branch: String
    }

    private struct Created: Decodable {
        struct Entry: Decodable {
            let number: Int64
        }

        let runs: [Entry]
    }

    private func request() async throws -> Run {
        let created = try await persistently {
            ledger.note { $0.calls += 1 }
            return try await site.api.send(
                .post,
                "\(ComponentSite.projectPath)/createrun",
                Request(branch: branch),
                as: Created.self
            )
        }
        guard let number = created.runs.first?.number else { throw Failure("a requested run has no number") }
        ledger.note { $0.numbers.append(number) }
        return try await run(number)
    }

    private func run(_ number: Int64) async throws -> Run {
        try await persistently { try await site.runservice.run(number: number, in: site.group).run }
    }

    private func waitForEnd(of run: Run) async throws {
        try await patiently("run \(run.number) ends", within: .seconds(90)) {
            try await self.run(run.number).phase.isFinished
        }
    }

    /// Follows all logs of a run through the gateway to their ends.
    private func follow(_ run: Run) async throws {
        for task in NumbersPipeline.tasks {
            guard let id = run.tasks.values.first(where: { $0.name == task.name })?.id else {
                throw Failure("run \(run.number) has no task \(task.name)")
            }
            for step in task.steps.indices {
                guard let bytes = try await follow(run, id, step) else { continue }
                let log = RunLedger.FollowedLog(run: run.number, task: task.name, step: step)
                ledger.note { $0.followed[log] = bytes }
            }
        }
        try await waitForEnd(of: run)
    }

    /// Follows a log; nil when the run has ended without it.
    private func follow(_ run: Run, _ task: TaskID, _ step: Int) async throws -> [UInt8]? {
        let path = "\(ComponentSite.projectPath)/runs/\(run.number)/tasks/\(task)/logs"
        var bytes: [UInt8] = []
        let end = Deadline.after(.seconds(90))
        while true {
            let hadEnded = try await self.run(run.number).phase.isFinished
            do {
                let query = [("step", "\(step)"), ("follow", ""), ("offset", "\(bytes.count)")]
                let reply = try await ServiceConnection.checked(
                    try await site.api.open(.get, path, query: query, deadline: end)
                )
                for try await piece in reply.body { bytes += piece }
                return bytes
            } catch {
                let kind = ErrorChain(error).first(RemoteError.self)?.kind
                if kind == .notExist, hadEnded { return nil }
                guard kind != .badRequest, !end.isPast else { throw error }
                ledger.note { $0.breaks += kind == nil ? 1 : 0 }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }
}
