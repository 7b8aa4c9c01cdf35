import Base
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

    /// Follows the records; whatever it does not know is of no interest.
    package func apply(_ change: ProjectedChange, to tables: ProjectionWriter) throws {
        guard case .record(let type, let id, let data) = change, let table = Self.tables[type] else { return }
        try tables.execute("DELETE FROM \(table) WHERE id = ?", [.text(id)])
        guard let data else { return }
        switch type {
        case User.recordType: try insert(JSONCoding.decode(User.self, from: data), tables)
        case StoredToken.recordType: try insert(JSONCoding.decode(StoredToken.self, from: data), tables)
        case ProjectGroup.recordType: try insert(JSONCoding.decode(ProjectGroup.self, from: data), tables)
        case Project.recordType: try insert(JSONCoding.decode(Project.self, from: data), tables)
        case RemoteSource.recordType: try insert(JSONCoding.decode(RemoteSource.self, from: data), tables)
        default: break
        }
    }

    private static let tables = [
        User.recordType: "config_user",
        StoredToken.recordType: "config_token",
        ProjectGroup.recordType: "config_group",
        Project.recordType: "config_project",
        RemoteSource.recordType: "config_source",
    ]

    private func insert(_ user: User, _ tables: ProjectionWriter) throws {
        try tables.execute("INSERT INTO config_user (id, name) VALUES (?, ?)", [.text(user.id.text), .text(user.name)])
    }

    private func insert(_ stored: StoredToken, _ tables: ProjectionWriter) throws {
        let token = stored.token
        try tables.execute(
            "INSERT INTO config_token (id, user, name, hash) VALUES (?, ?, ?, ?)",
            [.text(token.id.text), .text(token.user.text), .text(token.name), .text(stored.hash)]
        )
    }

    private func insert(_ group: ProjectGroup, _ tables: ProjectionWriter) throws {
        try tables.execute(
            "INSERT INTO config_group (id, owner, parent, name) VALUES (?, ?, ?, ?)",
            [.text(group.id.text), .text(group.owner.key), .optional(group.parent?.text), .text(group.name)]
        )
    }

    private func insert(_ project: Project, _ tables: ProjectionWriter) throws {
        try tables.execute(
            "INSERT INTO config_project (id, parent, name) VALUES (?, ?, ?)",
            [.text(project.id.text), .text(project.parent.text), .text(project.name)]
        )
    }

    private func insert(_ source: RemoteSource, _ tables: ProjectionWriter) throws {
        try tables.execute(
            "INSERT INTO config_source (id, name) VALUES (?, ?)",
            [.text(source.id.text), .text(source.name)]
        )
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
