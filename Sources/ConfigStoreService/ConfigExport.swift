import Model
package import Store

/// What an export of the configstore holds: all of its records.
package enum ConfigExport {
    /// The service's name in exports.
    package static let service = "configstore"
    /// The record types, in the order in which they are written: whatever another one refers to comes first.
    package static let types = [
        KeyCheck.recordType, RemoteSource.recordType, User.recordType, StoredPassword.recordType,
        StoredToken.recordType, ProjectGroup.recordType, Project.recordType,
    ]

    /// What an import must be like for an installation whose secrets are sealed with a key.
    package static func rules(_ sealing: SealingKey) -> ImportRules {
        ImportRules(
            service: service,
            types: types,
            makeCheck: { ConfigCheck(sealing: sealing) },
            makeAgolaConverter: { _ in AgolaConfigConverter(sealing: sealing) }
        )
    }
}
