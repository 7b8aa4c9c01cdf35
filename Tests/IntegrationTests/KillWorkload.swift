import Base
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Model
import Synchronization
import ServiceKit
import TestSupport
import Testing
import WorkerClients

/// Makes runs on several branches, by pushes and by requests, and follows logs, while components are being killed.
struct KillWorkload: Sendable {
    /// What the outside world was told, and when what was killed.
    struct Ledger: Sendable {
        /// The commits whose push git called done.
        var pushes: Set<String> = []
        /// The runs that a request was answered with.
        var numbers: [Int64] = []
        /// Pushes and requests that were tried.
        var calls = 0
        /// How often a followed log broke off.
        var breaks = 0
        var kills: [(component: Component, time: Date)] = []
        /// Logs that somebody followed while they grew.
        var followed: [FollowedLog: [UInt8]] = [:]

        var acknowledged: Int { pushes.count + numbers.count }
    }

    /// Which log somebody followed.
    struct FollowedLog: Hashable, Sendable {
        let run: Int64
        let task: String
        let step: Int
    }

    let site: ComponentSite
    let runs: Int
    let kills: Int
    private let state: Shared

    private final class Shared: Sendable {
        let ledger = Mutex(Ledger())
    }

    init(site: ComponentSite, runs: Int, kills: Int) {
        self.site = site
        self.runs = runs
        self.kills = kills
        state = Shared()
    }

    /// What has happened so far.
    var ledger: Ledger { state.ledger.withLock(\.self) }

    /// Kills random components at random moments, as often as wanted.
    func kill(_ random: SeededRandom) async throws {
        var random = random
        for _ in 0..<kills {
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...1_400, using: &random)))
            let component = Component.allCases.randomElement(using: &random) ?? .executor
            try await site.processes.kill(component.rawValue)
            note { $0.kills.append((component, Date())) }
        }
    }

    /// Makes one run after the other on a branch, until enough runs are made and enough processes killed.
    func work(on branch: String, pipeline: String, _ random: SeededRandom) async throws {
        var random = random
        try await site.makeTree(branch, pipeline: pipeline)
        var isFirst = true
        while case let ledger = ledger, ledger.acknowledged < runs || ledger.kills.count < kills {
            let run: Run
            if isFirst || Bool.random(using: &random) {
                run = try await push(branch)
            } else {
                run = try await request(branch)
            }
            isFirst = false
            if Bool.random(using: &random) {
                try await follow(run)
            } else {
                try await waitForEnd(of: run)
            }
        }
    }

    private func note(_ change: @Sendable (inout Ledger) -> Void) {
        state.ledger.withLock { change(&$0) }
    }

    private func push(_ branch: String) async throws -> Run {
        // Equal commits of one second would have one name.
        let message = "Count on \(branch) after \(ledger.acknowledged) runs"
        let commit = try await site.commit(branch, message: message)
        try await eventually("the push to \(branch) is acknowledged", within: .seconds(60)) {
            note { $0.calls += 1 }
            return try await site.push(branch)
        }
        note { $0.pushes.insert(commit) }
        var found: Run?
        try await eventually("the push to \(branch) is a run", within: .seconds(60)) {
            let page = try await persistently {
                try await site.runservice.runs(RunQuery(group: "\(site.group)/branch/\(branch)", limit: 3))
            }
            found = page.runs.first { $0.annotations["commit_sha"] == commit }
            return found != nil
        }
        return try #require(found)
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

    private func request(_ branch: String) async throws -> Run {
        let created = try await persistently {
            note { $0.calls += 1 }
            return try await site.api.send(
                .post,
                "\(ComponentSite.projectPath)/createrun",
                Request(branch: branch),
                as: Created.self
            )
        }
        let number = try #require(created.runs.first?.number)
        note { $0.numbers.append(number) }
        return try await run(number)
    }

    private func run(_ number: Int64) async throws -> Run {
        try await persistently { try await site.runservice.run(number: number, in: site.group).run }
    }

    private func waitForEnd(of run: Run) async throws {
        try await eventually("run \(run.number) ends", within: .seconds(90)) {
            try await self.run(run.number).phase.isFinished
        }
    }

    /// Follows all logs of a run through the gateway to their ends.
    private func follow(_ run: Run) async throws {
        for task in NumbersPipeline.tasks {
            let id = try #require(run.tasks.values.first { $0.name == task.name }?.id)
            for step in task.steps.indices {
                guard let bytes = try await follow(run, id, step) else { continue }
                note { $0.followed[FollowedLog(run: run.number, task: task.name, step: step)] = bytes }
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
                let reply = try await ServiceConnection.checked(try await site.api.open(.get, path, query: query))
                for try await piece in reply.body { bytes += piece }
                return bytes
            } catch {
                let kind = ErrorChain(error).first(RemoteError.self)?.kind
                if kind == .notExist, hadEnded { return nil }
                guard kind != .badRequest, !end.isPast else { throw error }
                note { $0.breaks += kind == nil ? 1 : 0 }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }
}
