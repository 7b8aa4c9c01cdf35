import Base
package import FoundationEssentials
import Glibc
import ServiceKit
package import Subprocess
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// The components of an installation as processes of `martletd serve`, each started again at once when it dies.
package final class ComponentProcesses: Sendable {
    /// How components are spread over processes.
    package enum Arrangement: String, CaseIterable, Sendable {
        /// All in one.
        case together
        /// One each.
        case apart

        /// What each process is made of.
        package var processes: [String] {
            switch self {
            case .together: ["all"]
            case .apart: Component.allCases.map(\.rawValue)
            }
        }
    }

    /// How a process ended that had been asked to.
    package struct Ending: Sendable {
        package let components: String
        package let status: TerminationStatus
    }

    private struct State {
        var starting = 0
        var running: [String: pid_t] = [:]
        var killed: Set<pid_t> = []
        var kills = 0
        var endings: [Ending] = []
        var problems: [String] = []
        var troubles: Set<String> = []
        var deaths: [(components: String, time: Date)] = []
        var isStopping = false
        var isHeld = false
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
    ///   - logs: the directory in which each process gets a log, which is attached to the test that runs, and finds what it is told to do at its failpoints.
    ///   - body: the test.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, or why a process cannot be started.
    package static func with<Value: Sendable>(
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
            let value = try result.get()
            let problems = processes.problems
            guard problems.isEmpty else { throw Failure(problems.joined(separator: "; ")) }
            return value
        }
    }

    /// Asks all processes to end; they are not started again.
    package func terminate() {
        state.withLock { state in
            state.isStopping = true
            for id in state.running.values {
                Glibc.kill(id, SIGTERM)
                Glibc.kill(id, SIGCONT)
            }
        }
    }

    /// Whether a process is left.
    package var isRunning: Bool { state.withLock { !$0.running.isEmpty } }

    /// The processes that ended since they were asked to.
    package var endings: [Ending] { state.withLock(\.endings) }

    /// What processes did that they should not have done.
    package var problems: [String] { state.withLock(\.problems) }

    /// Which processes run.
    package var lives: [String: pid_t] { state.withLock(\.running) }

    /// How many processes were killed from outside.
    package var killCount: Int { state.withLock(\.kills) }

    /// When which process died.
    package var deaths: [(components: String, time: Date)] { state.withLock(\.deaths) }
}

// MARK: - Faults

extension ComponentProcesses {
    /// Kills a process without warning, as soon as it runs.
    package func kill(_ components: String) async throws {
        try await patiently("\(components) runs", within: .seconds(30)) {
            state.withLock { state in
                guard let id = state.running[components], !state.killed.contains(id) else { return false }
                state.killed.insert(id)
                state.kills += 1
                return Glibc.kill(id, SIGKILL) == 0
            }
        }
    }

    /// Kills all processes at once and starts none before `body` has ended.
    package func whileDown(_ body: () async throws -> Void) async throws {
        state.withLock { state in
            state.isHeld = true
            for id in state.running.values {
                state.killed.insert(id)
                Glibc.kill(id, SIGKILL)
            }
        }
        defer { state.withLock { $0.isHeld = false } }
        try await patiently("all processes are gone", within: .seconds(60)) {
            state.withLock { state in
                // One that was just being started is running by now.
                for id in state.running.values where state.killed.insert(id).inserted { Glibc.kill(id, SIGKILL) }
                return state.running.isEmpty && state.starting == 0
            }
        }
        try await body()
    }

    /// Stops a process for a while.
    package func pause(_ components: String, for time: Duration) async throws {
        guard let id = state.withLock({ $0.running[components] }), Glibc.kill(id, SIGSTOP) == 0 else { return }
        defer { resume(components, id) }
        try await Task.sleep(for: time)
    }

    /// Continues everything that was stopped, by us or by itself.
    package func resumeAll() {
        for (components, id) in state.withLock(\.running) { resume(components, id) }
    }

    /// Tells a process what to do at its failpoints, until it has been told something else or has died.
    package func instruct(_ components: String, _ plan: String) throws {
        try AtomicFile.write(plan.utf8, to: controlFile(components))
    }

    /// How often processes did at a failpoint what they were told.
    package func actedCount() -> Int {
        state.withLock { _ in
            Component.allCases.reduce(0) { sum, component in
                // A file that does not exist yet is an empty one.
                let text =
                    (try? String(contentsOfFile: "\(controlFile(component.rawValue)).acted", encoding: .utf8)) ?? ""
                return sum + text.utf8.count { $0 == UInt8(ascii: "\n") }
            }
        }
    }

    /// Says that processes of that name may end by themselves, because something was taken away that they need to start.
    package func expectTrouble(_ isExpected: Bool) {
        state.withLock { state in
            state.troubles = isExpected ? Set(Component.allCases.map(\.rawValue)) : []
        }
    }

    private func resume(_ components: String, _ id: pid_t) {
        // The number may be another process's by now unless this one is still the one that runs.
        state.withLock { state in
            if state.running[components] == id { Glibc.kill(id, SIGCONT) }
        }
    }

    private func controlFile(_ components: String) -> String { "\(logs)/\(components).failpoints" }
}

// MARK: - Lives

extension ComponentProcesses {
    private func keepRunning(_ components: String) async throws {
        while !state.withLock(\.isStopping) {
            guard mayStart() else {
                try await Task.sleep(for: .milliseconds(20))
                continue
            }
            let outcome = try await run(components)
            guard !noteEnd(of: components, outcome.id, outcome.status) else { continue }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    /// Runs a process to its end.
    private func run(_ components: String) async throws -> (id: pid_t, status: TerminationStatus) {
        let log = try TestProcess.openLog("\(logs)/\(components).log")
        let outcome = try await Subprocess.run(
            .path(FilePath("\(TestProcess.products)/martletd")),
            arguments: ["serve", "--config", configuration, "--components", components, "--detailed-errors"],
            // What crashes ends at once, as with the units of systemd.
            environment: .inherit.updating([
                "MARTLET_FAILPOINTS_FILE": controlFile(components), "SWIFT_BACKTRACE": "enable=no",
            ]),
            input: .none,
            output: .fileDescriptor(log, closeAfterSpawningProcess: true),
            error: .combinedWithOutput
        ) { execution in
            let id = execution.processIdentifier.value
            noteStart(of: components, id)
            return id
        }
        return (outcome.closureResult, outcome.terminationStatus)
    }

    /// Announces a start, unless all processes are to be down.
    private func mayStart() -> Bool {
        state.withLock { state in
            if !state.isHeld { state.starting += 1 }
            return !state.isHeld
        }
    }

    private func noteStart(of components: String, _ id: pid_t) {
        state.withLock { state in
            state.starting -= 1
            state.running[components] = id
            if state.isStopping { Glibc.kill(id, SIGTERM) }
        }
    }

    /// Notes an end.
    /// - Returns: whether somebody wanted it.
    private func noteEnd(of components: String, _ id: pid_t, _ status: TerminationStatus) -> Bool {
        state.withLock { state in
            state.running[components] = nil
            state.deaths.append((components, Date()))
            if state.isStopping {
                state.endings.append(Ending(components: components, status: status))
                return true
            }
            if state.killed.remove(id) != nil { return true }
            let wasTold = unlink(controlFile(components)) == 0
            if wasTold, status == .signaled(SIGKILL) { return true }
            if !state.troubles.contains(components), !wasTold {
                state.problems.append("\(components) ended by itself: \(status)")
            }
            return false
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
                state.problems.append("\(components) does not end on SIGTERM")
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
