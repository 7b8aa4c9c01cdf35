import Base
import Model
import Store

/// The config store as one transaction shows it.
struct ConfigView {
    let tx: ReadTransaction
    let sealing: SealingKey

    /// A record by its id.
    func entry<Value: ConfigRecord>(_ type: Value.Type = Value.self, id: String) throws -> Entry<Value>? {
        guard let stored = try tx.record(type: Value.recordType, id: id, as: type) else { return nil }
        return Entry(value: try stored.value.opened(by: sealing), revision: stored.revision)
    }

    /// The records whose ids a query of the read model finds, in the query's order.
    func entries<Value: ConfigRecord>(
        of type: Value.Type = Value.self,
        _ sql: String,
        _ arguments: [SQLValue] = []
    ) throws -> [Entry<Value>] {
        try tx.rows(sql, arguments).map { row in
            let id = try row.text("id")
            guard let entry = try entry(Value.self, id: id) else {
                throw Failure("the read model knows \(Value.recordType) \(id), which has no record")
            }
            return entry
        }
    }

    /// The first record that a query of the read model finds.
    func first<Value: ConfigRecord>(_ sql: String, _ arguments: [SQLValue]) throws -> Entry<Value>? {
        try entries(of: Value.self, sql, arguments).first
    }

    /// A user by id or name.
    func user(_ reference: String) throws -> Entry<User>? {
        try UUIDText.matches(reference) ? entry(id: reference) : user(named: reference)
    }

    /// A user by name.
    func user(named name: String) throws -> Entry<User>? {
        try first("SELECT id FROM config_user WHERE name = ?", [.text(name)])
    }

    /// A user who must exist.
    /// - Throws: ``APIError`` with code `userDoesNotExist`.
    func requiredUser(_ reference: String) throws -> Entry<User> {
        guard let user = try user(reference) else { throw Self.noUser() }
        return user
    }

    /// What a caller is told about a user who does not exist.
    static func noUser() -> APIError {
        APIError(.notExist, code: "userDoesNotExist", "There is no such user.")
    }

    /// Users in the order of their names.
    func users(_ query: UserQuery, limit: Int?) throws -> [User] {
        var sql = "SELECT id FROM config_user"
        var arguments: [SQLValue] = []
        if let after = query.after {
            sql += " WHERE name \(query.ascending ? ">" : "<") ?"
            arguments.append(.text(after))
        }
        sql += " ORDER BY name \(query.ascending ? "ASC" : "DESC") LIMIT ?"
        arguments.append(.integer(limit.map(Int64.init) ?? -1))
        return try entries(of: User.self, sql, arguments).map(\.value)
    }

    /// The tokens of a user in the order of their names.
    func tokens(of user: UserID) throws -> [Entry<StoredToken>] {
        try entries("SELECT id FROM config_token WHERE user = ? ORDER BY name", [.text(user.text)])
    }

    /// The user's token of a name.
    func token(of user: UserID, named name: String) throws -> Entry<StoredToken>? {
        try first("SELECT id FROM config_token WHERE user = ? AND name = ?", [.text(user.text), .text(name)])
    }

    /// The token whose value has a hash.
    func token(hash: String) throws -> Entry<StoredToken>? {
        try first("SELECT id FROM config_token WHERE hash = ?", [.text(hash)])
    }

    /// All remote sources in the order of their names.
    func remoteSources() throws -> [RemoteSource] {
        try entries(of: RemoteSource.self, "SELECT id FROM config_source ORDER BY name").map(\.value)
    }

    /// A remote source by id or name.
    func remoteSource(_ reference: String) throws -> Entry<RemoteSource>? {
        if UUIDText.matches(reference) { return try entry(id: reference) }
        return try remoteSource(named: reference)
    }

    /// A remote source by name.
    func remoteSource(named name: String) throws -> Entry<RemoteSource>? {
        try first("SELECT id FROM config_source WHERE name = ?", [.text(name)])
    }

    /// A remote source that must exist.
    /// - Throws: ``APIError`` with code `remoteSourceDoesNotExist`.
    func requiredRemoteSource(_ reference: String) throws -> Entry<RemoteSource> {
        guard let source = try remoteSource(reference) else {
            throw APIError(.notExist, code: "remoteSourceDoesNotExist", "There is no such remote source.")
        }
        return source
    }
}
