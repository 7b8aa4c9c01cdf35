import Base
import FoundationEssentials

/// Measures a release build of Martlet against its budgets, with a peer beside each figure.
///
///     MartletBenchmarks PROGRAMS DATA
///
/// PROGRAMS is the directory of `martletd` and `BareFastCGI`, DATA an empty directory for the installations. Runs in the
/// project's root; `run.sh` builds and calls it.
@main
struct Main {
    static func main() async throws {
        guard CommandLine.arguments.count == 3 else { throw Failure("usage: MartletBenchmarks PROGRAMS DATA") }
        let environment = ProcessInfo.processInfo.environment
        var table = ResultTable()
        table.note("processors \(ProcessInfo.processInfo.processorCount), load \(try ProcessFacts.loadAverage())")
        let plan = MeasurementPlan(
            programs: CommandLine.arguments[1],
            data: CommandLine.arguments[2],
            history: environment["HISTORY"].flatMap { Int($0) } ?? 5_000,
            nap: .seconds(environment["NAP"].flatMap { Int($0) } ?? 20),
            drivers: (environment["ONLY"] ?? "host,sandbox").split(separator: ",").compactMap {
                TrialInstallation.Driver(rawValue: String($0))
            }
        )
        do {
            try await plan.run(&table)
        } catch {
            table.print()
            throw error
        }
        table.note("load at the end \(try ProcessFacts.loadAverage())")
        table.print()
    }
}
