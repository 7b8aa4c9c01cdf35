import Base
import FoundationEssentials
import Glibc
import ServiceKit
import Subprocess
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// The components of an installation as processes of `martletd serve`, each started again at once when it dies.
final class ComponentProcesses: Sendable {
    /// How components are spread over processes.
    enum Arrangement: String, CaseIterable, Sendable {
        /// All in one.
        case together
        /// One each.
        case apart

        fileprivate var processes: [String] {
            switch self {
            case .together: ["all"]
            case .apart: Component.allCases.map(\.rawValue)
            }
        }
    }

    /// How a process ended that had been asked to.
    struct Ending: Sendable {
        let components: String
        let status: TerminationStatus
    }

    private struct State {
        var running: [String: pid_t] = [:]
        var killed: Set<pid_t> = []
        var endings: [Ending] = []
        var isStopping = false
    }

    private let configuration: String
    private let logs: String
    private let state = Mutex(State())

    private init(configuration: String, logs: String) {
        self.configuration = configuration
        self.logs = logs
    }

    /// Runs `body` beside the components, and stops them by SIGTERM.
    /// - Parameters:
    ///   - arrangement: how the components are spread over processes.
    ///   - configuration: the configuration file.
    ///   - logs: the directory in which each process gets a log, which is attached to the test.
    ///   - body: the test.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, or why a process cannot be started.
    static func with<Value: Sendable>(
        _ arrangement: Arrangement,
        configuration: String,
        logs: String,
        _ body: (ComponentProcesses) async throws -> Value
    ) async throws -> Value {
        let processes = ComponentProcesses(configuration: configuration, logs: logs)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for name in arrangement.processes { group.addTask { try await processes.keepRunning(name) } }
            let result: Result<Value, any Error>
            do { result = .success(try await body(processes)) } catch { result = .failure(error) }
            processes.terminate()
            group.addTask { await processes.expectEnd() }
            try await group.waitForAll()
            try processes.attachLogs(arrangement)
            return try result.get()
        }
    }

    /// Kills a process without warning, as soon as it runs.
    func kill(_ components: String) async throws {
        try await eventually("\(components) runs", within: .seconds(30)) {
            state.withLock { state in
                guard let id = state.running[components], !state.killed.contains(id) else { return false }
                state.killed.insert(id)
                return Glibc.kill(id, SIGKILL) == 0
            }
        }
    }

    /// Asks all processes to end; they are not started again.
    func terminate() {
        state.withLock { state in
            state.isStopping = true
            for id in state.running.values { Glibc.kill(id, SIGTERM) }
        }
    }

    /// Whether a process is left.
    var isRunning: Bool { state.withLock { !$0.running.isEmpty } }

    /// The processes that ended since they were asked to.
    var endings: [Ending] { state.withLock(\.endings) }

    private func keepRunning(_ components: String) async throws {
        while !state.withLock(\.isStopping) {
            let log = try FileDescriptor.open(
                FilePath("\(logs)/\(components).log"),
                .writeOnly,
                options: [.create, .append],
                permissions: .ownerReadWrite
            )
            let outcome = try await Subprocess.run(
                .path(FilePath("\(TestProcess.products)/martletd")),
                arguments: ["serve", "--config", configuration, "--components", components, "--detailed-errors"],
                input: .none,
                output: .fileDescriptor(log, closeAfterSpawningProcess: false),
                error: .fileDescriptor(log, closeAfterSpawningProcess: true)
            ) { execution in
                let id = execution.processIdentifier.value
                noteStart(of: components, id)
                return id
            }
            guard !noteEnd(of: components, outcome.closureResult, outcome.terminationStatus) else { continue }
            Issue.record("\(components) ended by itself: \(outcome.terminationStatus)")
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private func noteStart(of components: String, _ id: pid_t) {
        state.withLock { state in
            state.running[components] = id
            if state.isStopping { Glibc.kill(id, SIGTERM) }
        }
    }

    /// Notes an end.
    /// - Returns: whether somebody wanted it.
    private func noteEnd(of components: String, _ id: pid_t, _ status: TerminationStatus) -> Bool {
        state.withLock { state in
            state.running[components] = nil
            if state.isStopping { state.endings.append(Ending(components: components, status: status)) }
            return state.isStopping || state.killed.contains(id)
        }
    }

    /// A process that does not end is a failure, but must not hold the test for ever.
    private func expectEnd() async {
        let end = Deadline.after(.seconds(12))
        while isRunning, !end.isPast {
            // Cancellation only shortens the wait.
            try? await Task.sleep(for: .milliseconds(20))
        }
        state.withLock { state in
            for (components, id) in state.running {
                Issue.record("\(components) does not end on SIGTERM")
                Glibc.kill(id, SIGKILL)
            }
        }
    }

    private func attachLogs(_ arrangement: Arrangement) throws {
        for name in arrangement.processes {
            Attachment.record(try String(contentsOfFile: "\(logs)/\(name).log", encoding: .utf8), named: "\(name).log")
        }
    }
}
