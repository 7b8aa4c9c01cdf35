import Base
import Model
import RunService
import ServiceKit
import Store
import Synchronization
import TestSupport

/// Exports the runservice while others work on it, and compares each export with what had been acknowledged when it was asked for.
final class RunExportWorkload: Sendable {
    private struct State {
        var broken = BrokenPromises("exports of the runservice")
        var count = 0
        var last: ExportHeader?
    }

    private let runservice: ServiceAdministration
    private let ledger: RunLedger
    private let group: String
    private let state = Mutex(State())

    init(site: ComponentSite, ledger: RunLedger) {
        runservice = ServiceAdministration(of: .runservice, in: site)
        group = site.group
        self.ledger = ledger
    }

    /// What has been found so far.
    var broken: BrokenPromises { state.withLock(\.broken) }
    /// How many exports have arrived.
    var count: Int { state.withLock(\.count) }

    /// Makes one export after the other until the time is over; those that break off are not looked at.
    func work(_ random: SeededGenerator, until end: Deadline) async throws {
        var random = random
        while !end.isPast {
            try await Task.sleep(for: .milliseconds(.random(in: 200...2_500, using: &random)))
            let before = ledger.page
            let bytes: [UInt8]
            do { bytes = try await runservice.exportBytes() } catch { continue }
            let after = ledger.page
            do {
                try compare(try ArrivedExport(bytes), before, after)
            } catch {
                state.withLock { $0.broken.expect(false, "an export that has arrived cannot be read: \(error)") }
            }
        }
    }

    private func compare(_ export: ArrivedExport, _ before: RunLedger.Page, _ after: RunLedger.Page) throws {
        let runs = try export.records(RunKeys.run, as: Run.self).map(\.value)
        let definitions = Set(try export.records(RunKeys.definition, as: Anything.self).map(\.id))
        let counters = try export.records(RunKeys.counter, as: Int64.self)
        let numbers = Set(runs.map(\.number))
        let ended = before.ended.filter { after.removedRuns[$0] == nil }
        let removed = before.removedRuns.filter(\.value.isAcknowledged).keys
        let counter = counters.first { $0.id == group }?.value ?? 0
        state.withLock { state in
            state.count += 1
            state.broken.expect(ended.isSubset(of: numbers), "runs that had ended: \(ended.subtracting(numbers))")
            state.broken.expect(numbers.isDisjoint(with: removed), "removed: \(numbers.intersection(removed))")
            state.broken.expect(numbers.count == runs.count, "two runs have one number")
            state.broken.expect(runs.allSatisfy(\.phase.isFinished), "a run has not ended")
            state.broken.expect(runs.allSatisfy { definitions.contains($0.definition.text) }, "a run has no definition")
            let highest = (before.numbers + numbers).max() ?? 0
            state.broken.expect(counter >= highest, "the counter is \(counter), there was run \(highest)")
            if let last = state.last {
                let isLater = (export.header.epoch, export.header.revision) >= (last.epoch, last.revision)
                state.broken.expect(
                    isLater && export.header.storeID == last.storeID,
                    "\(export.header) after \(last)"
                )
            }
            state.last = export.header
        }
    }

    private struct Anything: Decodable {
        init(from decoder: any Decoder) {}
    }
}
