import Base
import Model

/// A thing of the config store with its place among the store's records.
///
/// The type names are stored: never rename one.
protocol ConfigRecord: Codable, Sendable {
    /// The records' type.
    static var recordType: String { get }
    /// The record's id.
    var recordID: String { get }
}

extension User: ConfigRecord {
    static var recordType: String { "user" }
    var recordID: String { id.text }
}

extension ProjectGroup: ConfigRecord {
    static var recordType: String { "projectgroup" }
    var recordID: String { id.text }
}

extension Project: ConfigRecord {
    static var recordType: String { "project" }
    var recordID: String { id.text }
}

extension RemoteSource: ConfigRecord {
    static var recordType: String { "remotesource" }
    var recordID: String { id.text }
}

/// The password of a user, apart from the user: whoever reads users never sees it.
struct StoredPassword: ConfigRecord {
    static var recordType: String { "password" }
    var recordID: String { user.text }

    let user: UserID
    let hash: PasswordHash
}

/// A token with the hash of its value.
struct StoredToken: ConfigRecord {
    static var recordType: String { "usertoken" }
    var recordID: String { token.id.text }

    let token: UserToken
    let hash: String
}
