import Base
import Model
import ServiceKit
import Store

/// What an export of the configstore holds, and what an import may bring.
enum ConfigImport {
    private static let records: [any ConfigRecord.Type] = [
        KeyCheck.self, RemoteSource.self, User.self, StoredPassword.self, StoredToken.self, ProjectGroup.self,
        Project.self,
    ]

    /// The rules of a store in `directory`, whose key must be the one that sealed the secrets of the import.
    static func rules(directory: String) -> ImportRules {
        ImportRules(
            service: "configstore",
            types: records.map { $0.recordType },
            check: { try check($0, directory: directory) },
            makeAgolaConverter: { UnsupportedAgolaExport() }
        )
    }

    private static func check(_ record: ImportedRecord, directory: String) throws {
        guard let type = records.first(where: { $0.recordType == record.type }) else { return }
        let value = try JSONCoding.decode(type, from: record.data)
        guard value.recordID == record.id else {
            throw APIError(.badRequest, "The \(record.type) \(record.id) has another id in its data.")
        }
        guard let key = value as? KeyCheck else { return }
        do {
            _ = try key.opened(by: try SealingKey(path: "\(directory)/key"))
        } catch {
            let message = "The secrets in it are sealed with another key: copy the file key of its configstore first."
            throw APIError(.badRequest, message, cause: error)
        }
    }
}
