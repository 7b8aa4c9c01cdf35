import Base
import Model

/// A token with the hash of its value.
struct StoredToken: ConfigRecord {
    static var recordType: String { "usertoken" }
    var recordID: String { token.id.text }

    let token: UserToken
    let hash: String
}
