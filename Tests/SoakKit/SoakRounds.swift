import Base
import ConfigStoreService
import FoundationEssentials
import Model
import RunService
import ServiceKit
import Store
import TestSupport

/// The rounds of a soak on one installation.
struct SoakRounds: Sendable {
    private let site: ComponentSite
    private let options: Soak.Options
    private let say: @Sendable (String) -> Void
    private let evidence: String
    private let ledger = RunLedger()
    private let faults: FaultInjector
    private let probes: StoreProbes
    private let accounts: [AccountWorkload]
    private let branches: [RunWorkload]
    private let removals: RemovalWorkload
    private let exports: RunExportWorkload
    private let outage: Outage

    init(site: ComponentSite, options: Soak.Options, say: @escaping @Sendable (String) -> Void) throws {
        self.site = site
        self.options = options
        self.say = say
        evidence = "\(site.directory)/evidence"
        faults = FaultInjector(processes: site.processes, disk: options.disk)
        probes = StoreProbes(directory: "\(site.data)/shared")
        accounts = (0..<2).map { AccountWorkload(site: site, prefix: "acc\($0)x") }
        let ledger = ledger
        removals = RemovalWorkload(site: site, ledger: ledger)
        exports = RunExportWorkload(site: site, ledger: ledger)
        var power: PowerLoss?
        if let disk = options.disk, let image = options.image { power = PowerLoss(disk: disk, image: image) }
        outage = Outage(processes: site.processes, power: power, bootID: options.bootID)
        branches = (0..<3).map { RunWorkload(site: site, ledger: ledger, branch: "b\($0)") }
    }

    func run() async throws -> [String] {
        var random = SeededGenerator(seed: options.seed)
        let end = Deadline.after(options.time)
        for branch in branches { try await branch.prepare(pipeline: NumbersPipeline(evidence: evidence).text) }
        var checked = 0
        var seen: Int64 = 0
        var earlier = ProbeVerdict.Earlier()
        for round in 1... {
            let reports = "\(site.directory)/reports\(round)"
            try await work(&random, reports: reports, isFirst: round == 1)
            // Before the outage or after it: one that follows an exchange shows whether that lasts.
            let exchangesFirst = Bool.random(using: &random)
            var exchanged = exchangesFirst ? try await exchange(&random) : nil
            if outage.power != nil || outage.isAnotherStart { try await outage.happen(cutsPower: true) }
            var verdict = try await verdict(logsBeyond: seen)
            verdict.broken.add(try await shared(reports, &earlier))
            if exchanged == nil { exchanged = try await exchange(&random) }
            if let exchanged { verdict.broken.add(exchanged) }
            (checked, seen) = (checked + verdict.broken.checked, verdict.last)
            report(round, checked)
            let history = faults.takeHistory()
            if !verdict.broken.messages.isEmpty {
                for fault in history { say("this round: \(fault)") }
                return verdict.broken.messages
            }
            if end.isPast || round == options.rounds { break }
        }
        return try await finish()
    }

    /// Looks at everything once more, as the last exchange came after the last look.
    private func finish() async throws -> [String] {
        for account in accounts { await account.verify() }
        let late = accounts.flatMap(\.broken.messages)
        guard late.isEmpty else { return late }
        let whole = try await RunVerdict(site: site, ledger: ledger.page, evidence: evidence, mayFail: true).check()
        say("all of \(whole.last) runs that were not removed are there at the end, with their logs")
        return whole.broken.messages
    }

    /// Works and breaks for a round's time, and comes to rest.
    private func work(_ random: inout SeededGenerator, reports: String, isFirst: Bool) async throws {
        let end = Deadline.after(options.roundTime)
        let seeds = (0..<10).map { _ in random.next() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, branch) in branches.enumerated() {
                group.addTask {
                    try await branch.work(SeededGenerator(seed: seeds[index]), pushesFirst: isFirst) { end.isPast }
                }
            }
            for (index, account) in accounts.enumerated() {
                group.addTask { try await account.work(SeededGenerator(seed: seeds[3 + index]), until: end) }
            }
            group.addTask {
                var own = SeededGenerator(seed: seeds[6])
                try await probes.run(&own, reports: reports, until: end)
            }
            group.addTask { try await removals.work(SeededGenerator(seed: seeds[8]), until: end) }
            group.addTask { try await exports.work(SeededGenerator(seed: seeds[9]), until: end) }
            group.addTask {
                var own = SeededGenerator(seed: seeds[7])
                try await faults.run(&own, until: end)
            }
            try await group.waitForAll()
        }
    }

    private func verdict(logsBeyond seen: Int64) async throws -> (broken: BrokenPromises, last: Int64) {
        var broken = BrokenPromises("processes")
        for problem in site.processes.problems { broken.expect(false, problem) }
        for account in accounts {
            await account.verify()
            broken.add(account.broken)
        }
        broken.add(exports.broken)
        let runs = try await RunVerdict(site: site, ledger: ledger.page, evidence: evidence, mayFail: true)
            .check(logsBeyond: seen)
        broken.add(runs.broken)
        let copies = "\(site.directory)/copies"
        defer { remove(copies) }
        broken.add(try await look("configstore", "\(site.data)/configstore", copies, ConfigReadModel()))
        broken.add(try await look("runservice", "\(site.data)/runservice", copies, RunReadModel()))
        broken.add(try await look("gitserver", "\(site.data)/gitserver/outbox", copies, nil))
        return (broken, runs.last)
    }

    /// Exchanges the records of one service by the same, once nothing runs any more.
    private func exchange(_ random: inout SeededGenerator) async throws -> BrokenPromises {
        let service: Component = Bool.random(using: &random) ? .configstore : .runservice
        try await site.untilRest()
        var exchange = ServiceExchange(of: service, in: site, outage: outage)
        defer { remove("\(site.directory)/copies") }
        let start = ContinuousClock.now
        let broken = try await exchange.run(&random)
        say(
            """
            \(service.rawValue): imported its own export; broken off \(exchange.tally.broken) times before, \
            \(exchange.tally.happened) of these had happened; \(start.duration(to: .now))
            """
        )
        return broken
    }

    /// Looks at the store that is shared by many processes, and exchanges its content by the same.
    private func shared(_ reports: String, _ earlier: inout ProbeVerdict.Earlier) async throws -> BrokenPromises {
        let copies = "\(site.directory)/copies"
        defer { remove(copies) }
        try await probes.endMaintenance()
        let file = try StoreFile(copying: probes.directory, to: "\(copies)/shared")
        var verdict = ProbeVerdict(reports: reports, earlier: earlier)
        try verdict.check(file)
        var broken = verdict.broken
        broken.add(try await look("shared", probes.directory, copies, nil))
        if broken.messages.isEmpty {
            broken.add(try await StoreExchange(directory: probes.directory, copies: copies).run())
        }
        earlier = try ProbeVerdict.earlier(in: file)
        return broken
    }

    private func look(
        _ name: String,
        _ source: String,
        _ copies: String,
        _ projection: (any Projection)?
    ) async throws -> BrokenPromises {
        let directory = "\(copies)/look-\(name)"
        var verdict = StoreVerdict(try StoreFile(copying: source, to: directory), named: name)
        try verdict.check()
        if let projection { try await verdict.check(projection, in: directory) }
        return verdict.broken
    }

    private func remove(_ path: String) {
        guard FileManager.default.fileExists(atPath: path) else { return }
        do { try FileManager.default.removeItem(atPath: path) } catch { say("cannot remove \(path): \(error)") }
    }

    private func report(_ round: Int, _ checked: Int) {
        let page = ledger.page
        let counts = faults.counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        let changes = accounts.map(\.counts).reduce((0, 0)) { ($0.0 + $1.acknowledged, $0.1 + $1.lost) }
        say(
            """
            round \(round): \(page.acknowledged) runs and \(changes.0) changes acknowledged (\(changes.1) answers lost), \
            \(page.followed.count) logs followed (broken off \(page.breaks) times); faults: \(counts), acted \
            \(site.processes.actedCount()), deaths \(site.processes.deaths.count); store processes: \(probes.toll.deaths) killed, \
            \(probes.toll.pauses) paused; restarted: \(page.restarts) runs; removed: \(page.removedRuns.count) runs, \
            \(page.removedLogs.count) logs; exports compared: \
            \(exports.count) of runs, \(accounts.map(\.exports).reduce(0, +)) of accounts; \(checked) values checked
            """
        )
    }
}
