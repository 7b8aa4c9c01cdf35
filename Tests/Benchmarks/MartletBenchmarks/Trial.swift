import Base
import Glibc

/// The measurements that need one running installation.
struct Trial {
    private static let callers = 8

    /// The installation.
    let service: TrialService
    private let repository: TrialRepository
    private let peers: ProcessPeers

    /// Prepares the branches, and waits until what their first push started has ended.
    init(_ service: TrialService, peers: ProcessPeers) async throws {
        self.service = service
        self.peers = peers
        repository = try await TrialRepository(service)
        try await settle()
    }

    private var place: String { service.driver.rawValue }
    private var bare: Samples { service.driver == .host ? peers.spawn : peers.sandbox }
    private var bareName: String { service.driver == .host ? "spawn true" : "setpriv + bwrap true" }

    /// From the request for a run to its step's process, as that process itself tells the time.
    func starts(_ table: inout ResultTable, _ history: String) async throws {
        var starts: [Double] = []
        for round in 0..<65 {
            let asked = Self.wallClock()
            let number = try await service.createRun(branch: "tick")
            _ = try await service.finished(number)
            let started = try await service.loggedNumber(number)
            if round >= 5 { starts.append(Double(started - asked) / 1e6) }
        }
        let budget = service.driver == .host ? 10.0 : 30.0
        let samples = Samples(milliseconds: starts)
        table.add(
            "run by API → step's process, \(place), \(history)",
            samples.summary,
            peer: "\(bareName) \(bare.summary), × \((samples.median / bare.median).rounded(1))",
            budget: "p50 ≤ \(budget.rounded(0)) ms",
            isMet: samples.median <= budget
        )
    }

    /// From the end of `git push`, and from its beginning, to the step's process.
    func pushes(_ table: inout ResultTable) async throws {
        var fromBegin: [Double] = []
        var fromEnd: [Double] = []
        var push: [Double] = []
        for round in 0..<33 {
            let known = try await service.runs(limit: 1).first?.number ?? 0
            try await repository.commit()
            let begun = Self.wallClock()
            try await repository.push()
            let ended = Self.wallClock()
            try await until("the push makes a run") {
                try await service.runs(limit: 1).first.map { $0.number > known } ?? false
            }
            _ = try await service.finished(known + 1)
            let started = try await service.loggedNumber(known + 1)
            guard round >= 3 else { continue }
            fromBegin.append(Double(started - begun) / 1e6)
            fromEnd.append(Double(started - ended) / 1e6)
            push.append(Double(ended - begun) / 1e6)
        }
        let samples = Samples(milliseconds: fromEnd)
        table.add(
            "git push has returned → step's process, \(place)",
            samples.summary,
            peer: "git push itself \(Samples(milliseconds: push).summary)",
            budget: service.driver == .host ? "" : "p50 ≤ 50 ms",
            isMet: service.driver == .host ? nil : samples.median <= 50
        )
        table.add("git push begins → step's process, \(place)", Samples(milliseconds: fromBegin).summary)
    }

    /// Runs that do nothing, as many at once as there are slots.
    func throughput(_ table: inout ResultTable, _ history: String) async throws {
        let count = service.driver == .host ? 400 : 200
        try await load(service.slots * 4)
        let processor = ProcessFacts.processorTime(of: service.processID)
        let duration = try await load(count)
        let used = ProcessFacts.processorTime(of: service.processID) - processor
        let rate = Double(count) / duration.seconds
        let ceiling = Double(service.slots) * 1_000 / bare.median
        table.add(
            "no-op runs/s, \(service.slots) slots, \(place), \(history)",
            "\(rate.rounded(0))/s, \((used * 1_000 / Double(count)).rounded(1)) ms of processor each",
            peer: "\(bareName), \(service.slots) at once ≤ \(ceiling.rounded(0))/s",
            budget: service.driver == .host ? "≥ 300/s" : "",
            isMet: service.driver == .host ? rate >= 300 : nil
        )
    }

    /// Runs that do nothing until there are `count` in all.
    func fill(to count: Int) async throws {
        let known = try await service.runs(limit: 1).first?.number ?? 0
        if known < count { try await load(count - known) }
    }

    /// Creates runs with several callers and waits until all have ended.
    @discardableResult
    private func load(_ count: Int) async throws -> Duration {
        let start = ContinuousClock.now
        let service = service
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<Self.callers {
                group.addTask {
                    for index in stride(from: caller, to: count, by: Self.callers) {
                        let branches = TrialRepository.idleBranches
                        _ = try await service.createRun(branch: branches[index % branches.count])
                    }
                }
            }
            try await group.waitForAll()
        }
        try await settle()
        return ContinuousClock.now - start
    }

    private func settle() async throws {
        try await until("all runs have ended", within: .seconds(600), every: .milliseconds(20)) {
            try await service.runs(limit: 1, phases: ["queued", "running"]).isEmpty
        }
    }

    /// Nanoseconds since 1970, as `date +%s%N` tells them.
    static func wallClock() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
