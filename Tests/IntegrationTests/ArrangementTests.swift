import Base
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Model
import Subprocess
import SoakKit
import Synchronization
import TestSupport
import Testing
import WorkerClients

@Suite("All components in one process, or each in its own", .temporaryDirectory, .timeLimit(.minutes(5)))
struct ArrangementTests {
    @Test("behave the same")
    func sameBehaviour() async throws {
        var transcripts: [[String]] = []
        for arrangement in ComponentProcesses.Arrangement.allCases {
            let transcript = try await TemporaryDirectory.with { _ in
                try await ComponentSite.with(arrangement) { try await Self.scenario($0) }
            }
            transcripts.append(transcript)
        }
        #expect(transcripts[0] == transcripts[1])
        #expect(
            transcripts[0] == [
                "pushed: 1 finished success", "log: 60 lines", "requested: 2 finished success",
                "stopped: 3 finished stopped",
                "broken: 4 setuperror unknown", "restarted: 5 finished success", "no such log: logDoesNotExist",
                "no such run: runDoesNotExist", "stranger: 403", "events: changed in order",
            ]
        )
    }

    @Test(
        "end in order within ten seconds of SIGTERM, whatever is held open",
        arguments: ComponentProcesses.Arrangement.allCases
    )
    func gracefulStop(_ arrangement: ComponentProcesses.Arrangement) async throws {
        try await ComponentSite.with(arrangement) { site in
            try await site.makeTree("main", pipeline: Self.slow)
            _ = try await site.commit("main", message: "Wait")
            #expect(try await site.push("main").isSuccess)
            let run = try await Self.latest(site) { $0.phase == .running }
            let task = try #require(run.tasks.values.first?.id)
            let (isFollowing, isWatching) = (Gate(), Gate())
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await Self.read(site, "\(ComponentSite.projectPath)/runs/1/tasks/\(task)/logs", isFollowing)
                }
                group.addTask { await Self.read(site, "\(ComponentSite.projectPath)/events", isWatching) }
                try await eventually("log and events are being followed") { isFollowing.isOpen && isWatching.isOpen }
                let start = ContinuousClock.now
                site.processes.terminate()
                try await eventually("every process has ended") { !site.processes.isRunning }
                print("\(arrangement.rawValue): all ended after \(ContinuousClock.now - start)")
                try await group.waitForAll()
            }
            #expect(!site.processes.endings.isEmpty)
            for ending in site.processes.endings {
                #expect(ending.status.isSuccess, "\(ending.components): \(ending.status)")
            }
        }
    }

    // MARK: The scenario

    private static func scenario(_ site: ComponentSite) async throws -> [String] {
        var lines: [String] = []
        try await site.makeTree("main", pipeline: NumbersPipeline(evidence: nil).text)
        _ = try await site.commit("main", message: "Count")
        #expect(try await site.push("main").isSuccess)
        let first = try await latest(site) { $0.phase.isFinished }
        lines.append("pushed: \(describe(first))")
        let count = try #require(first.tasks.values.first { $0.name == "count" }?.id)
        let path = "\(ComponentSite.projectPath)/runs/1/tasks/\(count)/logs"
        let log = try await site.api.exchange(.get, path, query: [("step", "0"), ("follow", "")])
        #expect(log == NumbersPipeline.log(run: 1, task: "count", step: 0))
        lines.append("log: \(log.count { $0 == UInt8(ascii: "\n") }) lines")
        try await site.api.send(.post, "\(ComponentSite.projectPath)/createrun", ["branch": "main"])
        lines.append("requested: \(describe(try await latest(site) { $0.phase.isFinished }))")
        lines.append("stopped: \(describe(try await stopped(site)))")
        try await site.makeTree("broken", pipeline: "runs:\n  - name: 7\n    taskz: []\n")
        _ = try await site.commit("broken", message: "Break")
        #expect(try await site.push("broken").isSuccess)
        lines.append("broken: \(describe(try await latest(site) { $0.number == 4 && $0.phase.isFinished }))")
        try await site.api.send(.put, "\(ComponentSite.projectPath)/runs/1/actions", Action("restart", fromStart: true))
        lines.append("restarted: \(describe(try await latest(site) { $0.number == 5 && $0.phase.isFinished }))")
        return try await lines + refusals(site, path) + ["events: \(events(site))"]
    }

    private struct Action: Encodable {
        let action_type: String
        let from_start: Bool

        init(_ type: String, fromStart: Bool = false) {
            action_type = type
            from_start = fromStart
        }
    }

    private static func stopped(_ site: ComponentSite) async throws -> Run {
        try await site.makeTree("slow", pipeline: slow)
        _ = try await site.commit("slow", message: "Wait")
        #expect(try await site.push("slow").isSuccess)
        let running = try await latest(site) { $0.number == 3 && $0.tasks.values.contains { $0.status == .running } }
        try await site.api.send(.put, "\(ComponentSite.projectPath)/runs/\(running.number)/actions", Action("stop"))
        return try await latest(site) { $0.phase.isFinished }
    }

    private static func refusals(_ site: ComponentSite, _ log: String) async throws -> [String] {
        func code(_ path: String, query: [(String, String)] = []) async throws -> String {
            do {
                _ = try await site.api.exchange(.get, path, query: query)
                return "none"
            } catch {
                return ErrorChain(error).first(RemoteError.self)?.code ?? "\(error)"
            }
        }
        let client = try HTTPClient()
        defer { client.shutdown() }
        let call = HTTPCall(.get, try .url(site.url), ComponentSite.projectPath, deadline: .after(.seconds(10)))
        let stranger = try await client.send(call).status
        return [
            "no such log: \(try await code(log, query: [("step", "7")]))",
            "no such run: \(try await code("\(ComponentSite.projectPath)/runs/99"))",
            "stranger: \(stranger)",
        ]
    }

    /// The numbers of all events so far, which begin with the first one.
    private static func events(_ site: ComponentSite) async throws -> String {
        let reply = try await ServiceConnection.checked(
            try await site.api.open(.get, "\(ComponentSite.projectPath)/events", query: [("after", "0")])
        )
        var text = ""
        for try await bytes in reply.body {
            text += String(decoding: bytes, as: UTF8.self)
            let ids = text.split(separator: "\n").filter { $0.hasPrefix("id: ") }.compactMap { Int($0.dropFirst(4)) }
            guard text.contains("\"number\":5"), text.contains("\"phase\":\"finished\""), ids.count >= 10 else {
                continue
            }
            return ids == ids.sorted() && Set(ids).count == ids.count ? "changed in order" : "\(ids)"
        }
        return "ended"
    }

    private static func describe(_ run: Run) -> String {
        "\(run.number) \(run.phase.rawValue) \(run.result.rawValue)"
    }

    /// The newest run, once it is as wanted.
    private static func latest(_ site: ComponentSite, _ isWanted: (Run) -> Bool) async throws -> Run {
        var found: Run?
        try await eventually("the newest run is as wanted", within: .seconds(60)) {
            found = try await site.runservice.runs(RunQuery(group: site.group, limit: 1)).runs.first
            return found.map(isWanted) ?? false
        }
        return try #require(found)
    }

    // MARK: Held requests

    private static let slow = """
        runs:
          - name: wait
            tasks:
              - name: wait
                runtime:
                  containers:
                    - image: host
                steps:
                  - run: echo waiting; sleep 100

        """

    private final class Gate: Sendable {
        private let state = Mutex(false)

        var isOpen: Bool { state.withLock(\.self) }

        func open() { state.withLock { $0 = true } }
    }

    /// Follows until the other side goes away, in order or not.
    private static func read(_ site: ComponentSite, _ path: String, _ gate: Gate) async {
        let query = [("follow", ""), ("step", "0")]
        while true {
            do {
                let reply = try await ServiceConnection.checked(try await site.api.open(.get, path, query: query))
                gate.open()
                for try await _ in reply.body {}
                return
            } catch {
                guard !gate.isOpen else { return }
                // A log does not exist before its first byte. Cancellation only shortens the wait.
                try? await Task.sleep(for: .milliseconds(20))
                if Task.isCancelled { return }
            }
        }
    }
}
