import Base
import FoundationEssentials
import Model
import ServiceKit
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
        var random = SeededRandom(seed)
        let start = ContinuousClock.now
        try await ComponentSite.with(.apart, driver: driver) { site in
            let evidence = driver == .host ? "\(site.directory)/evidence" : nil
            let pipeline = NumbersPipeline(evidence: evidence).text
            let workload = KillWorkload(site: site, runs: runs, kills: kills)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for branch in 0..<8 {
                    let own = SeededRandom(random.next())
                    group.addTask { try await workload.work(on: "b\(branch)", pipeline: pipeline, own) }
                }
                let own = SeededRandom(random.next())
                group.addTask { try await workload.kill(own) }
                try await group.waitForAll()
            }
            let ledger = workload.ledger
            #expect(ledger.acknowledged >= runs && ledger.kills.count == kills)
            try await KillVerdict(site: site, ledger: ledger, evidence: evidence, seed: seed).check()
            print(
                """
                killed \(ledger.kills.count) processes (\(driver.rawValue) driver, seed \(seed)) during \(ledger.acknowledged) runs, \
                \(ledger.pushes.count) of them pushed, in \(ledger.calls) calls; \(ledger.followed.count) logs followed, broken off \
                \(ledger.breaks) times; \(ContinuousClock.now - start)
                """
            )
        }
    }
}
