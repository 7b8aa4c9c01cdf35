package import FoundationEssentials

/// One row of a query, read by column name.
package struct SQLRow: Sendable {
    /// The columns of one query, shared by its rows.
    final class Columns: Sendable {
        let names: [String]
        let positions: [String: Int]

        init(_ names: [String]) {
            self.names = names
            positions = Dictionary(zip(names, names.indices)) { first, _ in first }
        }
    }

    let columns: Columns
    let values: [SQLValue]

    /// The value of a column.
    /// - Throws: ``StoreError`` of kind invalid when the query has no such column.
    package func value(_ column: String) throws -> SQLValue {
        guard let position = columns.positions[column] else {
            throw StoreError(.invalid, "the query has no column \(column), only \(columns.names)")
        }
        return values[position]
    }

    /// Text.
    /// - Throws: ``StoreError`` of kind invalid when the column is missing, null or of another type; so do all getters.
    package func text(_ column: String) throws -> String {
        guard case .text(let text) = try value(column) else { throw mismatch(column, "text") }
        return text
    }

    /// Text, or nil for null.
    package func textIfPresent(_ column: String) throws -> String? {
        try value(column) == .null ? nil : text(column)
    }

    /// A whole number.
    package func integer(_ column: String) throws -> Int64 {
        guard case .integer(let number) = try value(column) else { throw mismatch(column, "an integer") }
        return number
    }

    /// A whole number, or nil for null.
    package func integerIfPresent(_ column: String) throws -> Int64? {
        try value(column) == .null ? nil : integer(column)
    }

    /// A floating-point number; whole numbers convert.
    package func real(_ column: String) throws -> Double {
        switch try value(column) {
        case .real(let number): return number
        case .integer(let number): return Double(number)
        default: throw mismatch(column, "a number")
        }
    }

    /// Bytes.
    package func blob(_ column: String) throws -> Data {
        guard case .blob(let data) = try value(column) else { throw mismatch(column, "bytes") }
        return data
    }

    /// Bytes, or nil for null.
    package func blobIfPresent(_ column: String) throws -> Data? {
        try value(column) == .null ? nil : blob(column)
    }

    /// A truth value stored as 0 or another number.
    package func bool(_ column: String) throws -> Bool {
        try integer(column) != 0
    }

    /// A moment stored by ``SQLValue/date(_:)``.
    package func date(_ column: String) throws -> Date {
        Date(timeIntervalSince1970: Double(try integer(column)) / 1000)
    }

    /// A moment stored by ``SQLValue/date(_:)``, or nil for null.
    package func dateIfPresent(_ column: String) throws -> Date? {
        try value(column) == .null ? nil : date(column)
    }

    private func mismatch(_ column: String, _ expected: String) -> StoreError {
        StoreError(.invalid, "column \(column) is not \(expected)")
    }
}
