import GRDB

/// What one change means for the tables of all projections.
struct ProjectedEffect: Sendable {
    typealias Part = @Sendable (ProjectionWriter) throws -> Void

    fileprivate let parts: [Part]

    /// Brings the tables up to date.
    func apply(to tables: ProjectionWriter) throws {
        for part in parts { try part(tables) }
    }
}

/// The projections of a store: creates, checks, rebuilds and feeds their tables.
struct ProjectionSet: Sendable {
    let projections: [any Projection]

    /// Names and versions on one line; the commit of a process with another line is refused.
    let signature: String

    init(_ projections: [any Projection]) throws {
        self.projections = projections.sorted { $0.name < $1.name }
        signature = self.projections.map { "\($0.name):\($0.version)" }.joined(separator: " ")
        var names: Set<String> = []
        for projection in projections {
            let name = projection.name
            let isPlain = name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) }
            guard !name.isEmpty, isPlain, !StoreSchema.reserved.contains(name), names.insert(name).inserted else {
                throw StoreError(.invalid, "\(name) cannot be the name of a projection")
            }
        }
    }

    /// Works out what one change means for every projection.
    func effect(of change: ProjectedChange) throws -> ProjectedEffect {
        ProjectedEffect(parts: try projections.compactMap { try Self.part(of: change, in: $0) })
    }

    /// Hands one change to every projection.
    func apply(_ change: ProjectedChange, _ db: Database) throws {
        try effect(of: change).apply(to: ProjectionWriter(db: db))
    }

    private static func part(of change: ProjectedChange, in projection: some Projection) throws -> ProjectedEffect.Part?
    {
        let effect = try blaming(projection, for: change) { try projection.effect(of: change) }
        guard let effect else { return nil }
        return { tables in try blaming(projection, for: change) { try projection.apply(effect, to: tables) } }
    }

    private static func blaming<Value>(
        _ projection: some Projection,
        for change: ProjectedChange,
        _ body: () throws -> Value
    ) throws -> Value {
        do { return try body() } catch {
            let cause = StoreError.wrapping(error, "run a statement")
            // A full disk is no fault of the projection's.
            let kind = (cause as? StoreError)?.kind ?? .invalid
            throw StoreError(kind, "project \(change.subject) to \(projection.name)", cause: cause)
        }
    }

    /// Drops the tables of projections that are gone or have another version, and derives the new ones.
    ///
    /// `stored` is the signature the tables were built for.
    func rebuild(_ db: Database, stored: String) throws {
        let old = Set(stored.split(separator: " ").map(String.init))
        let new = Set(signature.split(separator: " ").map(String.init))
        for entry in old.subtracting(new) { try Self.drop(String(entry.prefix { $0 != ":" }), db) }
        let changed = projections.filter { !old.contains("\($0.name):\($0.version)") }
        guard !changed.isEmpty else { return }
        for projection in changed { try Self.create(projection, db) }
        let fresh = try ProjectionSet(changed)
        try db.forEachRow("SELECT type, id, data FROM record") { row in
            let (type, id) = (try row.text("type"), try row.text("id"))
            try fresh.apply(.record(type: type, id: id, data: row.blob("data")), db)
        }
        try db.forEachRow("SELECT key, data FROM live") { row in
            try fresh.apply(.live(key: row.text("key"), data: row.blob("data")), db)
        }
    }

    private static func drop(_ name: String, _ db: Database) throws {
        let range = KeyRange(prefix: "\(name)_")
        let tables = try db.rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name >= ? AND name < ?",
            [.text(range.lower), .optional(range.upper)]
        )
        for table in tables { try db.execute(sql: "DROP TABLE \"\(table.text("name"))\"") }
    }

    private static func create(_ projection: any Projection, _ db: Database) throws {
        let before = try Set(objects(db).map { try $0.text("name") })
        do { try db.execute(sql: projection.schema) } catch {
            throw StoreError.wrapping(error, "create the tables of projection \(projection.name)")
        }
        for object in try objects(db) {
            let name = try object.text("name")
            if before.contains(name) || name.hasPrefix("sqlite_autoindex_") { continue }
            let isAllowed = try ["table", "index"].contains(object.text("type"))
            guard isAllowed, name.hasPrefix("\(projection.name)_") else {
                throw StoreError(.invalid, "projection \(projection.name) may not create \(name)")
            }
            if try object.text("type") == "table" { try checkConstraints(of: name, db) }
        }
    }

    private static func checkConstraints(of table: String, _ db: Database) throws {
        let unique = try db.rows(
            "SELECT name FROM pragma_index_list(?) WHERE \"unique\" = 1 AND origin != 'pk'",
            [.text(table)]
        )
        let foreign = try db.rows("SELECT id FROM pragma_foreign_key_list(?)", [.text(table)])
        guard unique.isEmpty, foreign.isEmpty else {
            throw StoreError(.invalid, "projection table \(table) has a unique index or a foreign key")
        }
    }

    private static func objects(_ db: Database) throws -> [SQLRow] {
        try db.rows("SELECT type, name FROM sqlite_master")
    }
}

extension ProjectedChange {
    /// The thing that changed, for errors.
    var subject: String {
        switch self {
        case .record(let type, let id, _): "record \(type) \(id)"
        case .live(let key, _): "live key \(key)"
        }
    }
}
