import Base
import Model
package import Store

/// What an export of the configstore holds: all of its records.
package enum ConfigExport {
    /// The service's name in exports.
    package static let service = "configstore"
    /// The record types, in the order in which they are written: whatever another one refers to comes first.
    package static let types = records.map { $0.recordType }

    /// What an import must be like.
    package static let rules = ImportRules(
        service: service,
        types: types,
        check: check,
        makeAgolaConverter: { AgolaConfigConverter() }
    )

    private static let records: [any ConfigRecord.Type] = [
        RemoteSource.self, User.self, StoredPassword.self, StoredToken.self, ProjectGroup.self, Project.self,
    ]

    private static func check(_ record: ImportedRecord) throws {
        guard let type = records.first(where: { $0.recordType == record.type }) else { return }
        try check(record, type)
    }

    private static func check<Record: ConfigRecord>(_ record: ImportedRecord, _ type: Record.Type) throws {
        let value = try JSONCoding.decode(type, from: record.data)
        guard value.recordID == record.id else {
            throw APIError(.badRequest, code: "invalidRecord", "\(record.type) \(record.id) holds another id")
        }
    }
}
