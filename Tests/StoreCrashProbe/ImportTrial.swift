import Base
import Foundation
import Store

/// Imports a file into the store, saying when it is done.
struct ImportTrial {
    let store: ServiceStore
    let report: Report

    func run(path: String) async throws {
        _ = try await store.setMaintenance(true)
        report.write("ready")
        let rules = ImportRules(
            service: "letters",
            types: ["letter"],
            makeCheck: { NoCheck() }
        )
        let intake = try await store.beginImport(rules)
        try await intake.add(Array(try Data(contentsOf: URL(filePath: path))))
        _ = try await store.authority.replaceAll(with: intake.finish(), force: true)
        report.write("imported")
    }
}

private struct NoCheck: RecordCheck {
    func check(_ record: ImportedRecord, _ content: Void) {}

    func finish() -> [String] { [] }
}
