import FoundationEssentials
import GRDB

/// The tables every store has; projections add their own.
enum StoreSchema {
    /// Grows with every change of the tables below.
    static let version = 2

    /// What leads from each older version to the one after it, in order.
    static let migrations: [Int64: String] = [
        // Events have an age, by which they are trimmed; those from before count as old.
        1: "ALTER TABLE event ADD COLUMN time INTEGER NOT NULL DEFAULT 0"
    ]

    /// `MRTL` in SQLite's header, so that a foreign database is never taken for a store.
    static let applicationID = 0x4D52_544C

    /// The tables.
    ///
    /// `record` and `live` keep a row id: their values are large, and only the index should hold the names.
    static let tables = """
        CREATE TABLE meta (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            storeID TEXT NOT NULL,
            epoch INTEGER NOT NULL,
            generation INTEGER NOT NULL,
            revision INTEGER NOT NULL,
            feedFloor INTEGER NOT NULL,
            groupFloor INTEGER NOT NULL,
            appliedPosition TEXT,
            projections TEXT NOT NULL,
            lastLease INTEGER NOT NULL
        );
        CREATE TABLE record (
            type TEXT NOT NULL, id TEXT NOT NULL, data BLOB NOT NULL, revision INTEGER NOT NULL,
            PRIMARY KEY (type, id)
        );
        CREATE TABLE live (
            key TEXT NOT NULL PRIMARY KEY, data BLOB NOT NULL,
            createRevision INTEGER NOT NULL, revision INTEGER NOT NULL, lease INTEGER
        );
        CREATE INDEX live_lease ON live (lease) WHERE lease IS NOT NULL;
        CREATE TABLE grp (hash BLOB NOT NULL PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE feed (
            revision INTEGER NOT NULL, ordinal INTEGER NOT NULL,
            scope TEXT NOT NULL, key TEXT NOT NULL, op INTEGER NOT NULL,
            PRIMARY KEY (revision, ordinal)
        ) WITHOUT ROWID;
        CREATE TABLE receipt (
            id TEXT NOT NULL PRIMARY KEY, revision INTEGER NOT NULL, events TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX receipt_revision ON receipt (revision);
        CREATE TABLE stream (name TEXT NOT NULL PRIMARY KEY, last INTEGER NOT NULL, floor INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE event (
            stream TEXT NOT NULL, sequence INTEGER NOT NULL, data BLOB NOT NULL, revision INTEGER NOT NULL,
            time INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (stream, sequence)
        ) WITHOUT ROWID;
        CREATE TABLE lock (
            name TEXT NOT NULL PRIMARY KEY, fence INTEGER NOT NULL,
            owner TEXT NOT NULL, bootID TEXT NOT NULL, deadline INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE lease (
            id INTEGER PRIMARY KEY, owner TEXT NOT NULL, bootID TEXT NOT NULL, deadline INTEGER NOT NULL
        );
        """

    /// The names a projection must not take.
    static let reserved: Set = [
        "meta", "record", "live", "grp", "feed", "receipt", "stream", "event", "lock", "lease", "sqlite",
    ]

    /// Creates the tables in an empty file, or brings a store of an older version up to this one.
    ///
    /// Runs within one transaction, so that a killed migration leaves the old version.
    /// - Throws: ``StoreError``: newerSchema, corrupted, notInitialized.
    static func prepare(_ db: Database, path: String, creates: Bool) throws {
        let header = try db.firstRow(
            "SELECT (SELECT application_id FROM pragma_application_id) AS application, "
                + "(SELECT user_version FROM pragma_user_version) AS version, (SELECT count(*) FROM sqlite_master) AS objects"
        )
        guard let header else { throw StoreError(.corrupted, "\(path) has no header") }
        let application = try header.integer("application")
        let version = try header.integer("version")
        if application == 0, version == 0, try header.integer("objects") == 0 {
            guard creates else { throw StoreError(.notInitialized, "\(path) is no store yet") }
            try create(db)
        } else if application != applicationID {
            throw StoreError(.corrupted, "\(path) is a database of another program")
        } else if version > Self.version {
            throw StoreError(
                .newerSchema,
                "\(path) has schema \(version) of a newer Martlet; this one knows \(Self.version). Install the newer one"
            )
        } else {
            try migrate(db, from: version, path: path)
        }
    }

    private static func migrate(_ db: Database, from stored: Int64, path: String) throws {
        for version in stored..<Int64(Self.version) {
            guard let step = migrations[version] else {
                throw StoreError(.corrupted, "\(path) has the unknown schema \(version)")
            }
            try db.execute(sql: step)
        }
        if stored != Self.version { try db.execute(sql: "PRAGMA user_version = \(Self.version)") }
    }

    private static func create(_ db: Database) throws {
        try db.execute(sql: tables)
        try db.run(
            "INSERT INTO meta VALUES (1, ?, ?, 1, 0, 0, 0, NULL, '', 0)",
            [.text(UUID().uuidString.lowercased()), .integer(Int64(Date().timeIntervalSince1970))]
        )
        try db.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version)")
    }
}
