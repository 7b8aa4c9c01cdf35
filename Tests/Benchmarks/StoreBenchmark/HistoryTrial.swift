import Base
import Foundation
import Model
import RunService
import Store

/// Lists, exports and imports of a short and of a long history, in one run.
struct HistoryTrial {
    private static let short = 1_000

    let directory: String
    /// Runs of the long history.
    let long: Int

    func run() async throws {
        let few = try await open("short")
        let many = try await open("long")
        try await SampleRuns.store(0..<Self.short, in: few)
        try await SampleRuns.store(0..<long, in: many)
        try await lists(few, many)
        try await transfers(few, "short", Self.short)
        try await transfers(many, "long", long)
    }

    private func open(_ name: String) async throws -> ServiceStore {
        var options = StoreOptions()
        // The runs are written in large batches, which stand for commits of long ago.
        options.revisionsKept = 10
        return try await LocalStore.open(
            directory: "\(directory)/\(name)",
            projections: [RunReadModel()],
            options: options
        )
    }

    // MARK: Lists

    private func lists(_ few: ServiceStore, _ many: ServiceStore) async throws {
        let project = SampleRuns.project
        let kinds: [(String, (Int) -> RunQuery)] = [
            ("newest", { _ in RunQuery(group: project, limit: 20) }),
            ("oldest", { _ in RunQuery(group: project, limit: 20, ascending: true) }),
            ("from the middle", { RunQuery(group: project, start: Int64($0 / 2), limit: 20) }),
            ("of a busy branch", { _ in RunQuery(group: "\(project)/branch/main", limit: 20) }),
            ("of a rare branch", { _ in RunQuery(group: SampleRuns.rareBranch, limit: 20) }),
            ("cancelled", { _ in RunQuery(group: project, limit: 20, phases: ["cancelled"]) }),
            ("in two phases", { _ in RunQuery(group: project, limit: 20, phases: ["finished", "cancelled"]) }),
            ("failed", { _ in RunQuery(group: project, limit: 20, results: ["failed"]) }),
        ]
        for (name, query) in kinds {
            var ratios: [Double] = []
            for _ in 0..<5 {
                let short = try await time(few, query(Self.short))
                ratios.append(try await time(many, query(long)) / short)
            }
            let ratio = ratios.sorted()[ratios.count / 2]
            report(
                "list of 20 runs, \(name)",
                "\(ratio.rounded(to: 2)) times as long with \(long) runs as with \(Self.short)",
                "≤ 1.5"
            )
        }
    }

    /// The median of many lists, in seconds.
    private func time(_ store: ServiceStore, _ query: RunQuery) async throws -> Double {
        let queries = RunQueries(store: store)
        var times: [Double] = []
        for _ in 0..<100 {
            let start = ContinuousClock.now
            _ = try await queries.page(query)
            times.append(start.duration(to: .now).seconds)
        }
        return times.sorted()[times.count / 2]
    }

    // MARK: Exports and imports

    private func transfers(_ store: ServiceStore, _ name: String, _ runs: Int) async throws {
        let path = "\(directory)/\(name).export"
        let exporting = try await PeakMemory.during {
            let export = try await store.export(service: RunExport.service, types: RunExport.types)
            try await Self.write(export, to: path)
        }
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
        let megabytes = Double(size) / 1e6
        let copying = try Self.copy(path)
        report(
            "export of \(runs) runs",
            "\((megabytes / exporting.seconds).rounded(to: 0)) MB/s = \((copying / exporting.seconds).rounded(to: 2)) of cp; memory +\(exporting.megabytes) MB",
            "flat memory"
        )
        let target = try await open("\(name)-target")
        _ = try await target.setMaintenance(true)
        let waited = LongestWait()
        var checking = Duration.zero
        let importing = try await PeakMemory.during {
            let start = ContinuousClock.now
            let intake = try await target.beginImport(RunExport.rules)
            try await Self.read(path) { try await intake.add($0) }
            let source = try await intake.finish()
            checking = start.duration(to: .now)
            try await waited.watch(target) { _ = try await target.authority.replaceAll(with: source, force: true) }
        }
        report(
            "import of \(runs) runs",
            "\(importing.seconds.rounded(to: 1)) s = \((megabytes / importing.seconds).rounded(to: 0)) MB/s, \(checking.seconds.rounded(to: 1)) s of it checking; others waited \(waited.seconds.rounded(to: 1)) s; memory +\(importing.megabytes) MB",
            runs == Self.short ? "flat memory" : "≤ 60 s, lock ≤ 15 s, flat memory"
        )
    }

    private static func write(_ export: ExportFile, to path: String) async throws {
        try Data().write(to: URL(filePath: path))
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        var offset: Int64 = 0
        while case let part = try await export.read(at: offset, count: 1 << 20), !part.isEmpty {
            try file.write(contentsOf: part)
            offset += Int64(part.count)
        }
        try file.synchronize()
    }

    private static func read(_ path: String, _ body: ([UInt8]) async throws -> Void) async throws {
        let file = try FileHandle(forReadingFrom: URL(filePath: path))
        while let part = try file.read(upToCount: 1 << 16), !part.isEmpty { try await body(Array(part)) }
    }

    /// Seconds that `cp` and a sync take.
    private static func copy(_ path: String) throws -> Double {
        let start = ContinuousClock.now
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", "cp \"$0\" \"$0.copy\" && sync \"$0.copy\" && rm \"$0.copy\"", path]
        try process.run()
        process.waitUntilExit()
        return start.duration(to: .now).seconds
    }
}

extension Double {
    func rounded(to digits: Int) -> String { String(format: "%.\(digits)f", self) }
}

/// One line of the table, which appears when it is measured, also in a file.
func report(_ what: String, _ result: String, _ budget: String = "") {
    let name = what.padding(toLength: 52, withPad: " ", startingAt: 0)
    FileHandle.standardOutput.write(Data("\(name)  \(result)\(budget.isEmpty ? "" : "  [\(budget)]")\n".utf8))
}
