import Base
import Model
import Store

/// A thing of the config store with its place among the store's records.
///
/// The type names are stored: never rename one.
protocol ConfigRecord: Codable, Sendable {
    /// The records' type.
    static var recordType: String { get }
    /// The record's id.
    var recordID: String { get }
    /// What is encrypted in the record.
    static var secrets: [WritableKeyPath<Self, SecretValue>] { get }
}

extension ConfigRecord {
    static var secrets: [WritableKeyPath<Self, SecretValue>] { [] }

    /// The value with encrypted secrets, as it is stored.
    func sealed(by sealing: SealingKey) throws -> Self {
        try Self.secrets.reduce(into: self) { $0[keyPath: $1] = try sealing.seal($0[keyPath: $1], for: context) }
    }

    /// The stored value with its secrets decrypted.
    func opened(by sealing: SealingKey) throws -> Self {
        try Self.secrets.reduce(into: self) { $0[keyPath: $1] = try sealing.open($0[keyPath: $1], for: context) }
    }

    private var context: String { "\(Self.recordType) \(recordID)" }
}

/// A record that belongs to whoever stands at the top of its path.
protocol OwnedRecord: ConfigRecord {
    /// The owner.
    var owner: Owner { get set }
}

extension User: ConfigRecord {
    static var recordType: String { "user" }
    var recordID: String { id.text }
}

extension ProjectGroup: OwnedRecord {
    static var recordType: String { "projectgroup" }
    var recordID: String { id.text }
}

extension Project: OwnedRecord {
    static var recordType: String { "project" }
    var recordID: String { id.text }
    static var secrets: [WritableKeyPath<Project, SecretValue>] { [\.webhookSecret] }
}

extension RemoteSource: ConfigRecord {
    static var recordType: String { "remotesource" }
    var recordID: String { id.text }
}
