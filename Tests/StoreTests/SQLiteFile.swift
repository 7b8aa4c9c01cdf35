import GRDBSQLite
import Testing

/// SQLite without the store.
enum SQLiteFile {
    /// Changes a store's file behind its back.
    static func execute(_ sql: String, at path: String) throws {
        var connection: OpaquePointer?
        defer { sqlite3_close_v2(connection) }
        try #require(sqlite3_open(path, &connection) == SQLITE_OK)
        // The threads of a store that was just dropped may still be closing it.
        sqlite3_busy_timeout(connection, 5_000)
        try #require(sqlite3_exec(connection, sql, nil, nil, nil) == SQLITE_OK)
    }
}
