import GRDB

/// The few ways in which the store talks to SQLite: cached statements, bound values, rows as values.
extension Database {
    /// Runs a statement that returns nothing.
    func run(_ sql: String, _ arguments: [SQLValue] = []) throws {
        try cachedStatement(sql: sql).execute(arguments: StatementArguments(arguments.map(\.databaseValue)))
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
        let cursor = try Row.fetchCursor(statement, arguments: StatementArguments(arguments.map(\.databaseValue)))
        guard let row = try cursor.next() else { return nil }
        return SQLRow(columns: SQLRow.Columns(statement.columnNames), values: row.databaseValues.map(SQLValue.init))
    }

    /// Hands every row of a query to `body` while the query runs.
    func forEachRow(_ sql: String, _ arguments: [SQLValue] = [], _ body: (SQLRow) throws -> Void) throws {
        let statement = try cachedStatement(sql: sql)
        let cursor = try Row.fetchCursor(statement, arguments: StatementArguments(arguments.map(\.databaseValue)))
        let columns = SQLRow.Columns(statement.columnNames)
        while let row = try cursor.next() {
            try body(SQLRow(columns: columns, values: row.databaseValues.map(SQLValue.init)))
        }
    }
}
