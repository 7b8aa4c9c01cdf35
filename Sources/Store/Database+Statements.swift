import GRDB

/// The few ways in which the store talks to SQLite: cached statements, bound values, rows as values.
extension Database {
    /// Runs a statement that returns nothing.
    func run(_ sql: String, _ arguments: [SQLValue] = []) throws {
        try cachedStatement(sql: sql).execute(arguments: Self.bound(arguments))
    }

    /// All rows of a query.
    func rows(_ sql: String, _ arguments: [SQLValue] = []) throws -> [SQLRow] {
        var rows: [SQLRow] = []
        try forEachRow(sql, arguments) { rows.append($0) }
        return rows
    }

    /// The first row of a query.
    func firstRow(_ sql: String, _ arguments: [SQLValue] = []) throws -> SQLRow? {
        let statement = try cachedStatement(sql: sql)
        let cursor = try Row.fetchCursor(statement, arguments: Self.bound(arguments))
        guard let row = try cursor.next() else { return nil }
        return SQLRow(columns: SQLRow.Columns(statement.columnNames), values: row.databaseValues.map(SQLValue.init))
    }

    /// Hands every row of a query to `body` while the query runs.
    func forEachRow(_ sql: String, _ arguments: [SQLValue] = [], _ body: (SQLRow) throws -> Void) throws {
        let statement = try cachedStatement(sql: sql)
        let cursor = try Row.fetchCursor(statement, arguments: Self.bound(arguments))
        let columns = SQLRow.Columns(statement.columnNames)
        while let row = try cursor.next() {
            try body(SQLRow(columns: columns, values: row.databaseValues.map(SQLValue.init)))
        }
    }

    // GRDB reads values that all have one type through a key path that it looks up anew each time, which costs more than to run a
    // short statement.
    private static func bound(_ arguments: [SQLValue]) -> StatementArguments {
        StatementArguments(arguments.map { $0.databaseValue as (any DatabaseValueConvertible)? })
    }
}
