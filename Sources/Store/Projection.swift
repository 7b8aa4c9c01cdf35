package import FoundationEssentials
import GRDB

/// Tables that a service derives from its records and live keys, kept up to date inside every commit.
///
/// Contract:
/// - Everything in the tables follows from the changes alone: no clock, no randomness, no other source. The tables are
///   dropped and derived again when `version` changes.
/// - `schema` creates tables and indexes whose names begin with `name` and an underscore. Only primary keys are unique and
///   there are no foreign keys: a decided commit must always be applicable. Uniqueness is guarded by change groups.
/// - `effect` is pure: an import works it out for many records at once, before it writes the first.
/// - What a projection does not know has no effect. An error refuses the batch.
package protocol Projection: Sendable {
    /// What a change means for the tables, before anything is known of what they hold.
    associatedtype Effect: Sendable

    /// The prefix of the tables: lower-case letters and digits, unlike any table of the store itself.
    var name: String { get }
    /// Grows with every change of `schema` or of what is derived.
    var version: Int { get }
    /// `CREATE TABLE` and `CREATE INDEX` statements, separated by semicolons.
    var schema: String { get }
    /// Works out what a change means; nil for nothing.
    func effect(of change: ProjectedChange) throws -> Effect?
    /// Brings the tables up to date with one change.
    func apply(_ effect: Effect, to tables: ProjectionWriter) throws
}

/// A change a projection learns of; no data means that the thing was deleted.
package enum ProjectedChange: Sendable, Equatable {
    /// A record was written or deleted.
    case record(type: String, id: String, data: Data?)
    /// A live key was written or deleted.
    case live(key: String, data: Data?)
}

/// The tables of a projection during a commit.
package struct ProjectionWriter {
    let db: Database
    /// What the tables are called while they are derived beside the current ones; nil for their own names.
    var names: TableNames?

    /// Runs a statement that changes the projection's tables; prepared statements are cached by their text.
    package func execute(_ sql: String, _ arguments: [SQLValue] = []) throws {
        try db.run(names?.translate(sql) ?? sql, arguments)
    }

    /// Queries the projection's tables as they are within the commit.
    package func rows(_ sql: String, _ arguments: [SQLValue] = []) throws -> [SQLRow] {
        try db.rows(names?.translate(sql) ?? sql, arguments)
    }
}
