import Base
import Model

/// The password of a user, apart from the user: whoever reads users never sees it.
struct StoredPassword: ConfigRecord {
    static var recordType: String { "password" }
    var recordID: String { user.text }

    let user: UserID
    let hash: PasswordHash
}
