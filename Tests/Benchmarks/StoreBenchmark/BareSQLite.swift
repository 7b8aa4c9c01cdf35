import Base
import Foundation
import GRDBSQLite

/// What SQLite does without anything around it: prepared statements, one row, FULL, WAL.
final class BareSQLite {
    private var connection: OpaquePointer?
    private var insert: OpaquePointer?
    private var select: OpaquePointer?

    init(path: String) throws {
        try check(sqlite3_open(path, &connection))
        try run("PRAGMA journal_mode = WAL")
        try run("PRAGMA synchronous = FULL")
        try run("CREATE TABLE t (id TEXT PRIMARY KEY, data BLOB)")
        try check(sqlite3_prepare_v2(connection, "INSERT OR REPLACE INTO t VALUES (?, ?)", -1, &insert, nil))
        try check(sqlite3_prepare_v2(connection, "SELECT data FROM t WHERE id = ?", -1, &select, nil))
    }

    deinit {
        sqlite3_finalize(insert)
        sqlite3_finalize(select)
        sqlite3_close(connection)
    }

    /// Commits per second.
    func commits(_ value: Data, for duration: Duration) throws -> Double {
        let start = ContinuousClock.now
        let end = start.advanced(by: duration)
        var count = 0
        let bytes = Array(value)
        while ContinuousClock.now < end {
            try check(sqlite3_reset(insert))
            let key = Array("0-\(count % 500)".utf8)
            sqlite3_bind_text(insert, 1, key.map(CChar.init(bitPattern:)), Int32(key.count), transient)
            sqlite3_bind_blob(insert, 2, bytes, Int32(bytes.count), transient)
            guard sqlite3_step(insert) == SQLITE_DONE else { throw Failure("insert") }
            count += 1
        }
        try check(sqlite3_reset(insert))
        return Double(count) / start.duration(to: .now).seconds
    }

    /// Reads one row.
    func read() throws {
        try check(sqlite3_reset(select))
        sqlite3_bind_text(select, 1, "0-7", 3, transient)
        guard sqlite3_step(select) == SQLITE_ROW else { throw Failure("select") }
    }

    private let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    private func run(_ sql: String) throws {
        try check(sqlite3_exec(connection, sql, nil, nil, nil))
    }

    private func check(_ code: Int32) throws {
        guard code == SQLITE_OK else { throw Failure("SQLite answered \(code)") }
    }
}
