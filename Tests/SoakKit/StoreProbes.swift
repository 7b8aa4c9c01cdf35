import Base
import FoundationEssentials
import Glibc
import Store
import Subprocess
import Synchronization
import SystemPackage
import TestSupport

/// Processes that share one store of their own, beside those of the installation: they write, hold locks, follow and toggle
/// maintenance, and die of it.
final class StoreProbes: Sendable {
    /// Where the store is.
    let directory: String
    private struct State {
        var lives = 0
        var deaths = 0
        var pauses = 0
    }

    private let state = Mutex(State())

    /// Keeps the store in `directory`.
    init(directory: String) {
        self.directory = directory
    }

    /// How many processes have died so far, and how often one was stopped for a while.
    var toll: (deaths: Int, pauses: Int) { state.withLock { ($0.deaths, $0.pauses) } }

    /// Keeps three writers and whoever toggles maintenance alive and dying until the time is over; each reports in a file in `reports`.
    func run(_ random: inout SeededGenerator, reports: String, until end: Deadline) async throws {
        guard mkdir(reports, 0o700) == 0 else { throw SystemError("make directory \(reports)") }
        let seeds = (0..<4).map { _ in random.next() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, seed) in seeds.enumerated() {
                group.addTask { [self] in
                    var own = SeededGenerator(seed: seed)
                    while !end.isPast { try await live(isToggle: index == 0, reports, &own, until: end) }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Leaves maintenance, in which a process that died may have left the store.
    func endMaintenance() async throws {
        let store = try await LocalStore.open(directory: directory, projections: [])
        var batch = Batch()
        batch.expect(.maintenance(.ignored))
        batch.delete(live: StoreKeys.maintenance)
        _ = try await store.commit(batch)
    }

    private static let points: [FailPoint] = [
        .storeCommitBegin, .storeCommitApplied, .storeCommitDecide, .storeCommitDecided, .storeCommitAnswer,
    ]

    /// What a process is told to do to itself.
    private static func plan(_ random: inout SeededGenerator) -> String {
        let point = points.randomElement(using: &random) ?? .storeCommitDecide
        let action: String
        switch Int.random(in: 0..<8, using: &random) {
        case 0..<4: action = "kill@\(Int.random(in: 1...400, using: &random))"
        case 4: action = "ENOSPC~0.05"
        case 5: action = "EIO~0.05"
        case 6: action = "delay:\(Int.random(in: 1...60, using: &random))~0.05"
        default: return ""
        }
        return "\(point.rawValue)=\(action) seed=\(random.next())"
    }

    /// One process from its start to its violent end.
    private func live(
        isToggle: Bool,
        _ reports: String,
        _ random: inout SeededGenerator,
        until end: Deadline
    ) async throws {
        let number = state.withLock { state in
            state.lives += 1
            return state.lives
        }
        let plan = isToggle ? "" : Self.plan(&random)
        let life = Duration.milliseconds(Int.random(in: 50...3_000, using: &random))
        let pause = Int.random(in: 0..<3, using: &random) == 0 ? Int.random(in: 20...900, using: &random) : 0
        let arguments = [isToggle ? "toggle" : "soak", directory, "\(reports)/\(number)", "p\(number)"]
        _ = try await Subprocess.run(
            .path(FilePath("\(TestProcess.products)/StoreCrashProbe")),
            arguments: Arguments(arguments),
            environment: .inherit.updating(["MARTLET_FAILPOINTS": plan, "SWIFT_BACKTRACE": "enable=no"]),
            input: .none,
            output: .discarded,
            error: .discarded
        ) { execution in
            let id = execution.processIdentifier.value
            try await Task.sleep(for: min(life, max(end.remaining, .zero)))
            if pause > 0 {
                kill(id, SIGSTOP)
                try await Task.sleep(for: .milliseconds(pause))
                kill(id, SIGCONT)
                try await Task.sleep(for: .milliseconds(pause))
            }
            kill(id, SIGKILL)
        }
        state.withLock { state in
            state.deaths += 1
            state.pauses += pause > 0 ? 1 : 0
        }
    }
}
