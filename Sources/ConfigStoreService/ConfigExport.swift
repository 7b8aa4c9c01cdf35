import Base
import Model
package import Store

/// What an export of the configstore holds: all of its records.
package enum ConfigExport {
    /// The service's name in exports.
    package static let service = "configstore"
    /// The record types, in the order in which they are written: whatever another one refers to comes first.
    package static let types = records.map { $0.recordType }

    /// What an import into a store with the key at `keyPath` must be like.
    package static func rules(keyPath: String) -> ImportRules {
        ImportRules(
            service: service,
            types: types,
            check: { try check($0, keyPath: keyPath) },
            makeAgolaConverter: { AgolaConfigConverter() }
        )
    }

    private static let records: [any ConfigRecord.Type] = [
        KeyCheck.self, RemoteSource.self, User.self, StoredPassword.self, StoredToken.self, ProjectGroup.self,
        Project.self,
    ]

    private static func check(_ record: ImportedRecord, keyPath: String) throws {
        guard let type = records.first(where: { $0.recordType == record.type }) else { return }
        try check(record, type)
        if type == KeyCheck.self { try checkKey(record, keyPath) }
    }

    // Said before anything is replaced: without the key the imported secrets would be lost, and the service could not start.
    private static func checkKey(_ record: ImportedRecord, _ keyPath: String) throws {
        do {
            _ = try JSONCoding.decode(KeyCheck.self, from: record.data).opened(by: SealingKey(path: keyPath))
        } catch {
            let message = "the secrets are sealed with another key; copy the file “key” of their configstore first"
            throw APIError(.badRequest, code: "invalidRecord", message, cause: error)
        }
    }

    private static func check<Record: ConfigRecord>(_ record: ImportedRecord, _ type: Record.Type) throws {
        let value = try JSONCoding.decode(type, from: record.data)
        guard value.recordID == record.id else {
            throw APIError(.badRequest, code: "invalidRecord", "\(record.type) \(record.id) holds another id")
        }
    }
}
