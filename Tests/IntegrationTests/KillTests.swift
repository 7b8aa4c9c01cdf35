import Base
import FoundationEssentials
import Model
import ServiceKit
import SoakKit
import TestSupport
import Testing

@Suite("Components that are killed", .temporaryDirectory, .timeLimit(.minutes(6)))
struct KillTests {
    /// How many runs are made while how many processes are killed; fewer of both for quick tries.
    private static let scale = ProcessInfo.processInfo.environment["MARTLET_KILL_RUNS"].flatMap { Int($0) } ?? 200

    @Test(
        "each in a process of its own, killed at random moments: every run ends, none runs twice, no log byte is missing"
    )
    func onHost() async throws {
        try await killAtRandomMoments(driver: .host, runs: Self.scale, kills: max(1, Self.scale / 4))
    }

    @Test("the same with tasks in sandboxes")
    func inSandboxes() async throws {
        try await killAtRandomMoments(
            driver: .sandbox,
            runs: min(24, Self.scale),
            kills: max(1, min(8, Self.scale / 4))
        )
    }

    private func killAtRandomMoments(
        driver: ExecutorConfiguration.DriverKind,
        runs: Int,
        kills: Int
    ) async throws {
        let given = ProcessInfo.processInfo.environment["MARTLET_KILL_SEED"].flatMap { UInt64($0) }
        let seed = given ?? UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let start = ContinuousClock.now
        print("seed \(seed)")
        try await ComponentSite.with(.apart, driver: driver) { site in
            let evidence = driver == .host ? "\(site.directory)/evidence" : nil
            let pipeline = NumbersPipeline(evidence: evidence).text
            let ledger = RunLedger()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for branch in 0..<8 {
                    let own = SeededGenerator(seed: random.next())
                    let workload = RunWorkload(site: site, ledger: ledger, branch: "b\(branch)")
                    group.addTask {
                        try await workload.prepare(pipeline: pipeline)
                        try await workload.work(own, pushesFirst: true) {
                            ledger.page.acknowledged >= runs && site.processes.killCount >= kills
                        }
                    }
                }
                var own = SeededGenerator(seed: random.next())
                for _ in 0..<kills {
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0...1_400, using: &own)))
                    try await site.processes.kill(Component.allCases.randomElement(using: &own)?.rawValue ?? "executor")
                }
                try await group.waitForAll()
            }
            let page = ledger.page
            #expect(page.acknowledged >= runs)
            let verdict = try await RunVerdict(site: site, ledger: page, evidence: evidence).check()
            #expect(verdict.broken.messages.isEmpty, "seed \(seed)")
            print(
                """
                killed \(kills) processes (\(driver.rawValue) driver, seed \(seed)) during \(page.acknowledged) runs, \
                \(page.pushes.count) of them pushed, in \(page.calls) calls; \(page.followed.count) logs followed, broken off \
                \(page.breaks) times; \(verdict.broken.checked) values checked; \(ContinuousClock.now - start)
                """
            )
        }
    }
}
