import Base
import FoundationEssentials
import Model
package import Store

/// The tables that find the config store's records by name, parent and token.
package struct ConfigReadModel: Projection {
    /// The prefix of the tables.
    package let name = "config"
    /// Grows when a table or what is derived changes.
    package let version = 1
    /// One table for each type of record.
    package let schema = """
        CREATE TABLE config_user (id TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
        CREATE INDEX config_user_name ON config_user (name);
        CREATE TABLE config_token (id TEXT PRIMARY KEY, user TEXT NOT NULL, name TEXT NOT NULL, hash TEXT NOT NULL) WITHOUT ROWID;
        CREATE INDEX config_token_name ON config_token (user, name);
        CREATE INDEX config_token_hash ON config_token (hash);
        CREATE TABLE config_group (id TEXT PRIMARY KEY, owner TEXT NOT NULL, parent TEXT, name TEXT NOT NULL) WITHOUT ROWID;
        CREATE INDEX config_group_name ON config_group (parent, name);
        CREATE INDEX config_group_owner ON config_group (owner) WHERE parent IS NULL;
        CREATE TABLE config_project (id TEXT PRIMARY KEY, parent TEXT NOT NULL, name TEXT NOT NULL) WITHOUT ROWID;
        CREATE INDEX config_project_name ON config_project (parent, name);
        CREATE TABLE config_source (id TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
        CREATE INDEX config_source_name ON config_source (name);
        """

    /// Makes the model.
    package init() {}

    /// What becomes of the row of a record.
    package struct Effect: Sendable {
        fileprivate let table: String
        fileprivate let id: String
        fileprivate let row: Row?
    }

    fileprivate struct Row {
        let columns: String
        let values: [SQLValue]
    }

    /// Follows the records; whatever it does not know is of no interest.
    package func effect(of change: ProjectedChange) throws -> Effect? {
        guard case .record(let type, let id, let data) = change, let table = Self.tables[type] else { return nil }
        return Effect(table: table, id: id, row: try data.flatMap { try Self.row(of: type, $0) })
    }

    /// Replaces the row of a record.
    package func apply(_ effect: Effect, to tables: ProjectionWriter) throws {
        try tables.execute("DELETE FROM \(effect.table) WHERE id = ?", [.text(effect.id)])
        guard let row = effect.row else { return }
        let places = row.values.map { _ in "?" }.joined(separator: ", ")
        try tables.execute("INSERT INTO \(effect.table) (\(row.columns)) VALUES (\(places))", row.values)
    }

    private static func row(of type: String, _ data: Data) throws -> Row? {
        switch type {
        case User.recordType: row(try JSONCoding.decode(User.self, from: data))
        case StoredToken.recordType: row(try JSONCoding.decode(StoredToken.self, from: data))
        case ProjectGroup.recordType: row(try JSONCoding.decode(ProjectGroup.self, from: data))
        case Project.recordType: row(try JSONCoding.decode(Project.self, from: data))
        case RemoteSource.recordType: row(try JSONCoding.decode(RemoteSource.self, from: data))
        default: nil
        }
    }

    private static let tables = [
        User.recordType: "config_user",
        StoredToken.recordType: "config_token",
        ProjectGroup.recordType: "config_group",
        Project.recordType: "config_project",
        RemoteSource.recordType: "config_source",
    ]

    private static func row(_ user: User) -> Row {
        Row(columns: "id, name", values: [.text(user.id.text), .text(user.name)])
    }

    private static func row(_ stored: StoredToken) -> Row {
        let token = stored.token
        return Row(
            columns: "id, user, name, hash",
            values: [.text(token.id.text), .text(token.user.text), .text(token.name), .text(stored.hash)]
        )
    }

    private static func row(_ group: ProjectGroup) -> Row {
        Row(
            columns: "id, owner, parent, name",
            values: [
                .text(group.id.text), .text(group.owner.key), .optional(group.parent?.text), .text(group.name),
            ]
        )
    }

    private static func row(_ project: Project) -> Row {
        Row(
            columns: "id, parent, name",
            values: [.text(project.id.text), .text(project.parent.text), .text(project.name)]
        )
    }

    private static func row(_ source: RemoteSource) -> Row {
        Row(columns: "id, name", values: [.text(source.id.text), .text(source.name)])
    }
}

extension Owner {
    /// The owner in the tables: kind and id.
    var key: String {
        switch self {
        case .user(let id): "user/\(id)"
        }
    }
}
