import Base
import Model
package import Store

/// What an export of the runservice holds: runs that have ended, definitions, counters.
package enum RunExport {
    /// The service's name in exports.
    package static let service = "runservice"
    /// The record types, in the order in which they are written.
    package static let types = [RunKeys.run, RunKeys.definition, RunKeys.counter]

    /// What an import must be like.
    package static let rules = ImportRules(
        service: service,
        types: types,
        check: check,
        makeAgolaConverter: { AgolaRunConverter() }
    )

    private static func check(_ record: ImportedRecord) throws {
        switch record.type {
        case RunKeys.run:
            let run = try JSONCoding.decode(Run.self, from: record.data)
            guard run.id.text == record.id, run.phase.isFinished else { throw refusal(record, "an ended run of that id") }
        case RunKeys.definition:
            let definition = try JSONCoding.decode(RunDefinition.self, from: record.data)
            guard definition.id.text == record.id else { throw refusal(record, "a definition of that id") }
        default:
            let value = try JSONCoding.decode(Int64.self, from: record.data)
            guard value >= 0 else { throw refusal(record, "a number that counts") }
        }
    }

    private static func refusal(_ record: ImportedRecord, _ expected: String) -> APIError {
        APIError(.badRequest, code: "invalidRecord", "\(record.type) \(record.id) is not \(expected)")
    }
}
