import Base
import FoundationEssentials
import HTTPTypes
import Model
import ServiceKit
import Store
import TestSupport
import WorkerClients

/// Takes a service of an installation at rest into maintenance, imports what it exports while killing it, and lets it work again.
struct ServiceExchange: Sendable {
    private let site: ComponentSite
    private let outage: Outage
    private let service: ServiceAdministration
    private var broken: BrokenPromises
    /// How many imports were broken off, and how many of these had happened all the same.
    private(set) var tally = (broken: 0, happened: 0)

    init(of component: Component, in site: ComponentSite, outage: Outage) {
        self.site = site
        self.outage = outage
        service = ServiceAdministration(of: component, in: site)
        broken = BrokenPromises("the exchange of the \(component.rawValue)")
    }

    /// Does it all.
    /// - Returns: what promises are broken; none is looked at when the runservice got another run meanwhile, which an import would end.
    mutating func run(_ random: inout SeededGenerator) async throws -> BrokenPromises {
        try await turn(to: true, &random)
        if try service.service != .runservice || !hasLiveRuns() {
            try await checkClosed()
            let original = try await persistently { try await service.export() }
            var last = original
            for _ in 0..<Int.random(in: 1...2, using: &random) {
                last = try await interrupt(original, last, &random)
            }
            try await persistently { try await service.importAll(original.bytes) }
            if Bool.random(using: &random) { try await outage.happen(cutsPower: true) }
            _ = try await compare(original, after: last, mustHaveHappened: true)
        }
        try await turn(to: false, &random)
        try await persistently { try await site.api.send(.get, "\(ComponentSite.projectPath)/runs") }
        return broken
    }

    /// Takes the service into maintenance or out of it, and kills it now and then while it follows.
    private func turn(to isOn: Bool, _ random: inout SeededGenerator) async throws {
        let moment = Duration.milliseconds(.random(in: 0...300, using: &random))
        let isKilled = Int.random(in: 0..<3, using: &random) == 0
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [service] in try await service.setMaintenance(isOn) }
            if isKilled {
                group.addTask { [site, service] in
                    try await Task.sleep(for: moment)
                    try await site.processes.kill(service.service.rawValue)
                }
            }
            try await group.waitForAll()
        }
        if isKilled { try await service.waitFor(maintenance: isOn) }
    }

    /// Pushes whose answers were lost become runs at any time.
    private func hasLiveRuns() throws -> Bool {
        let file = try StoreFile(copying: "\(site.data)/runservice", to: "\(site.directory)/copies/live")
        return try file.numbers("SELECT count(*) FROM live WHERE key LIKE 'run/%'")[0][0] > 0
    }
}

// MARK: - What maintenance promises

extension ServiceExchange {
    /// Everything but health, maintenance, export and import is refused, by the service and to people.
    private mutating func checkClosed() async throws {
        let site = site
        let own = try site.connection(to: service.service)
        try await persistently { try await own.send(.get, "/healthz") }
        await expectRefusal("readiness", code: nil) { try await own.send(.get, "/readyz") }
        await expectRefusal("nothing that exists") { try await own.send(.get, "/api/v1alpha/nothing") }
        await expectRefusal("a list of runs to people", code: nil) {
            try await site.api.send(.get, "\(ComponentSite.projectPath)/runs")
        }
        if service.service == .configstore {
            await expectRefusal("a list") { _ = try await site.configstore.tokens(ofUser: "ada") }
            await expectRefusal("a new user") {
                let late = UserCreation(name: "late", password: SecretValue("correct horse of somebody late"))
                _ = try await site.configstore.create(late)
            }
            await expectRefusal("a removal") { try await site.configstore.deleteToken(named: "test", ofUser: "ada") }
        } else {
            await expectRefusal("a list") { _ = try await site.runservice.runs(RunQuery(group: site.group)) }
            await expectRefusal("an executor") { try await site.runservice.delete(ExecutorID("nobody")) }
            await expectRefusal("a removal") { try await site.runservice.remove(RunID("nothing")) }
        }
    }

    private mutating func expectRefusal(
        _ what: String,
        code: String? = "maintenance",
        _ call: () async throws -> Void
    ) async {
        do {
            try await call()
            broken.expect(false, "\(what) is served in maintenance")
        } catch {
            let remote = ErrorChain(error).first(RemoteError.self)
            let isRight = remote?.kind == .unavailable && (code == nil || remote?.code == code)
            broken.expect(isRight, "\(what) is refused in maintenance by \(error)")
        }
    }
}

// MARK: - What imports promise

extension ServiceExchange {
    private static let points: [FailPoint] = [
        .storeCommitBegin, .storeCommitApplied, .storeCommitDecide, .storeCommitDecided, .storeCommitAnswer, .fileWrite,
        .fileSync, .fileRename, .fileDirectory,
    ]

    /// Kills the service during an import, at a random moment or at a failpoint, or the gateway, and looks what has become of its records.
    private mutating func interrupt(
        _ original: ArrivedExport,
        _ last: ArrivedExport,
        _ random: inout SeededGenerator
    ) async throws -> ArrivedExport {
        let name = service.service.rawValue
        let point = Self.points.randomElement(using: &random) ?? .storeCommitDecided
        let pass = Int.random(in: 1...(point.rawValue.hasPrefix("store") ? 12 : 1), using: &random)
        let isPlanned = Bool.random(using: &random)
        let moment = Duration.milliseconds(.random(in: 0...150, using: &random))
        let victim = Int.random(in: 0..<4, using: &random) == 0 ? Component.gateway.rawValue : name
        if isPlanned { try site.processes.instruct(name, "\(point.rawValue)=kill@\(pass)") }
        let isAcknowledged = try await withThrowingTaskGroup(of: Bool?.self) { group in
            group.addTask { [service] in
                do {
                    try await service.importAll(original.bytes)
                    return true
                } catch  where ErrorChain(error).first(RemoteError.self)?.kind != .badRequest {
                    return false
                }
            }
            if !isPlanned {
                group.addTask { [processes = site.processes] in
                    try await Task.sleep(for: moment)
                    try await processes.kill(victim)
                    return nil
                }
            }
            return try await group.reduce(false) { $1 ?? $0 }
        }
        if isPlanned { try site.processes.instruct(name, "") }
        tally.broken += isAcknowledged ? 0 : 1
        // The gateway's end leaves an import at work.
        if victim != name || Bool.random(using: &random) {
            try await outage.happen(cutsPower: Bool.random(using: &random))
        }
        let found = try await compare(original, after: last, mustHaveHappened: isAcknowledged)
        tally.happened += !isAcknowledged && found.header.epoch > last.header.epoch ? 1 : 0
        return found
    }

    /// Waits for the service, which is in maintenance whatever happened to it, and compares.
    private mutating func compare(
        _ original: ArrivedExport,
        after last: ArrivedExport,
        mustHaveHappened: Bool
    ) async throws -> ArrivedExport {
        try await service.waitFor(maintenance: true)
        let found = try await persistently { try await service.export() }
        broken.expect(found.content == original.content, "the records are neither the old nor the new ones")
        broken.expect(found.header.storeID == original.header.storeID, "it is another store")
        let isLater = found.header.epoch > last.header.epoch && found.header.revision > last.header.revision
        let isSame = found.header.epoch == last.header.epoch
        broken.expect(
            isLater || isSame && !mustHaveHappened,
            "an acknowledged import is gone: \(last.header), then \(found.header)"
        )
        return found
    }
}
