import Base
import Model
import ServiceKit
import Store

/// What an export of the runservice holds, and what an import may bring: runs that have ended, definitions and counters.
enum RunImport {
    /// The rules.
    static let rules = ImportRules(
        service: "runservice",
        types: [RunKeys.definition, RunKeys.counter, RunKeys.run],
        check: check,
        makeAgolaConverter: { UnsupportedAgolaExport() }
    )

    private static func check(_ record: ImportedRecord) throws {
        let id: String
        switch record.type {
        case RunKeys.run: id = try JSONCoding.decode(Run.self, from: record.data).id.text
        case RunKeys.definition: id = try JSONCoding.decode(RunDefinition.self, from: record.data).id.text
        case RunKeys.counter:
            _ = try JSONCoding.decode(Int64.self, from: record.data)
            return
        default: return
        }
        guard id == record.id else {
            throw APIError(.badRequest, "The \(record.type) \(record.id) has another id in its data.")
        }
    }
}
