import GRDB

/// The steps by which an import replaces the content of a store; every one runs in the writer's transaction.
///
/// Records and projections are first built beside the current ones, in tables whose names begin with `staged_`. One transaction then
/// exchanges them, so that others wait for the exchange alone. What a killed import leaves is dropped at the next opening.
struct Replacement {
    /// The lock of imports.
    static let lock = "import"

    private static let staged = "staged_"
    private static let discarded = "discarded_"

    let projections: ProjectionSet
    let handle: LockHandle

    /// Makes empty tables for what comes.
    /// - Returns: the commit that the imported records bear.
    func begin(_ tx: WriteTransaction) throws -> Revision {
        try expectAuthority(tx)
        let revision = tx.nextRevision()
        try Self.dropLeftovers(tx.db)
        for table in try tables(tx.db) { try tx.db.execute(sql: try names(tx.db).translate(table.sql)) }
        return revision
    }

    /// Works out what records mean for the projections, several at once; needs no transaction.
    func effects(of records: [ImportedRecord]) async throws -> [ProjectedEffect] {
        try await ConcurrentMap.map(records) { [projections] record in
            try projections.effect(of: .record(type: record.type, id: record.id, data: record.data))
        }
    }

    /// Adds records with what they mean for the projections.
    func add(
        _ records: [ImportedRecord],
        _ effects: [ProjectedEffect],
        revision: Revision,
        _ tx: WriteTransaction
    ) throws {
        try expectAuthority(tx)
        tx.touch()
        let tables = ProjectionWriter(db: tx.db, names: try names(tx.db))
        for (record, effect) in zip(records, effects) {
            try tx.db.run(
                "INSERT INTO staged_record VALUES (?, ?, ?, ?)",
                [.text(record.type), .text(record.id), .blob(record.data), .integer(revision)]
            )
            try effect.apply(to: tables)
        }
    }

    /// The indexes that the new tables lack.
    func indexes(_ tx: WriteTransaction) throws -> [String] {
        try objects(tx.db, type: "index").map(\.name)
    }

    /// Builds one index over the whole new table, which is faster than growing it, and disturbs others less than all at once.
    ///
    /// Its name carries the import's number, as the index in use has the plain name or that of an earlier import. Nobody refers to
    /// indexes by their names.
    func build(index name: String, revision: Revision, _ tx: WriteTransaction) throws {
        try expectAuthority(tx)
        tx.touch()
        guard let index = try objects(tx.db, type: "index").first(where: { $0.name == name }) else { return }
        let base = name.hasPrefix("import") ? name.drop { $0 != "_" }.dropFirst() : name[...]
        let new = TableNames(try stagedNames(tx.db).merging([name: "import\(revision)_\(base)"]) { $1 })
        try tx.db.execute(sql: new.translate(index.sql))
    }

    /// Exchanges the tables, and wipes what is not imported.
    func exchange(now: Int64, _ tx: WriteTransaction) throws {
        try expectAuthority(tx)
        let db = tx.db
        for table in try tables(db) {
            try db.execute(sql: "ALTER TABLE \"\(table.name)\" RENAME TO \"\(Self.discarded)\(table.name)\"")
            try db.execute(sql: "ALTER TABLE \"\(Self.staged)\(table.name)\" RENAME TO \"\(table.name)\"")
        }
        try wipe(db)
        try tx.replaceContent(now: now)
        for row in try db.rows("SELECT key, data FROM live") {
            try projections.apply(.live(key: row.text("key"), data: row.blob("data")), db)
        }
    }

    /// Sequences of events go on, so that no reader takes a new event for an old one.
    private func wipe(_ db: Database) throws {
        try db.run("DELETE FROM live WHERE key != ?", [.text(StoreKeys.maintenance)])
        for table in ["grp", "feed", "receipt", "event", "lease"] { try db.run("DELETE FROM \(table)") }
        try db.run("UPDATE stream SET floor = last")
    }

    /// Only the holder of the lock, and only in maintenance.
    private func expectAuthority(_ tx: WriteTransaction) throws {
        guard try tx.isInMaintenance() else { throw StoreError.notInMaintenance() }
        guard try tx.isHeld(handle) else { throw StoreError.unmet(.fence(handle)) }
    }

    /// Drops what an import left unfinished, or replaced.
    static func dropLeftovers(_ db: Database) throws {
        while try dropLeftover(db) {}
    }

    /// Drops one table that an import left unfinished, or replaced.
    /// - Returns: false when there is none.
    static func dropLeftover(_ db: Database) throws -> Bool {
        for prefix in [staged, discarded] {
            let range = KeyRange(prefix: prefix)
            let table = try db.firstRow(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name >= ? AND name < ?",
                [.text(range.lower), .optional(range.upper)]
            )
            guard let table else { continue }
            try db.execute(sql: "DROP TABLE \"\(table.text("name"))\"")
            return true
        }
        return false
    }

    // MARK: Tables

    private struct SchemaObject {
        let name: String
        let sql: String
    }

    /// `record` and the tables of the projections, as they are in use.
    private func tables(_ db: Database) throws -> [SchemaObject] { try objects(db, type: "table") }

    private func objects(_ db: Database, type: String) throws -> [SchemaObject] {
        let rows = try db.rows(
            "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = ? AND sql IS NOT NULL ORDER BY name",
            [.text(type)]
        )
        return try rows.compactMap { row in
            let table = try row.text("tbl_name")
            let isOurs = table == "record" || projections.projections.contains { table.hasPrefix("\($0.name)_") }
            return isOurs ? SchemaObject(name: try row.text("name"), sql: try row.text("sql")) : nil
        }
    }

    private func names(_ db: Database) throws -> TableNames {
        TableNames(try stagedNames(db))
    }

    private func stagedNames(_ db: Database) throws -> [String: String] {
        Dictionary(uniqueKeysWithValues: try tables(db).map { ($0.name, Self.staged + $0.name) })
    }
}
