package import FoundationEssentials
import GRDB

/// A value bound to a statement or read from a row.
package enum SQLValue: Sendable, Hashable {
    /// No value.
    case null
    /// A whole number.
    case integer(Int64)
    /// A floating-point number.
    case real(Double)
    /// Text.
    case text(String)
    /// Bytes.
    case blob(Data)

    /// Text, or null.
    package static func optional(_ text: String?) -> Self { text.map(Self.text) ?? .null }

    /// A whole number, or null.
    package static func optional(_ number: Int64?) -> Self { number.map(Self.integer) ?? .null }

    /// A moment as milliseconds since 1970, which sorts and compares in SQL.
    package static func date(_ date: Date) -> Self {
        .integer(Int64((date.timeIntervalSince1970 * 1000).rounded()))
    }

    /// A truth value as 1 or 0.
    package static func bool(_ value: Bool) -> Self { .integer(value ? 1 : 0) }
}

extension SQLValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
    /// Text.
    package init(stringLiteral value: String) { self = .text(value) }
    /// A whole number.
    package init(integerLiteral value: Int64) { self = .integer(value) }
    /// A floating-point number.
    package init(floatLiteral value: Double) { self = .real(value) }
    /// 1 or 0.
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    /// Null.
    package init(nilLiteral: ()) { self = .null }
}

extension SQLValue {
    var databaseValue: DatabaseValue {
        switch self {
        case .null: .null
        case .integer(let value): value.databaseValue
        case .real(let value): value.databaseValue
        case .text(let value): value.databaseValue
        case .blob(let value): value.databaseValue
        }
    }

    init(_ value: DatabaseValue) {
        self =
            switch value.storage {
            case .null: .null
            case .int64(let value): .integer(value)
            case .double(let value): .real(value)
            case .string(let value): .text(value)
            case .blob(let value): .blob(value)
            }
    }
}
