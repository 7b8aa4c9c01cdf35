import Base
import FoundationEssentials
import GRDB
package import Logging

/// One consistent view of the store, alive within ``LocalStore/read(deadline:_:)``.
///
/// The transaction carries its context once: the caller's cancellation, deadline and logger. Statements take none; each
/// one ends early when the caller is gone. Values are never interpolated into SQL, only bound.
package struct ReadTransaction {
    let db: Database
    let context: ReadContext

    /// The logger of the task that reads.
    package var logger: Logger { context.logger }

    /// The last commit this view shows.
    package var revision: Revision {
        get throws {
            try context.check()
            return try number("SELECT revision FROM meta")
        }
    }

    /// A record, or nil when there is none.
    package func record(type: String, id: String) throws -> Stored? {
        try context.check()
        let row = try db.firstRow(
            "SELECT data, revision FROM record WHERE type = ? AND id = ?",
            [.text(type), .text(id)]
        )
        return try row.map(Self.stored)
    }

    /// Records of a type in ascending byte order of their ids: at most `limit` of those after `id`.
    package func records(
        type: String,
        after id: String? = nil,
        limit: Int = 500
    ) throws -> [(id: String, value: Stored)] {
        try rows(
            "SELECT id, data, revision FROM record WHERE type = ? AND id > ? ORDER BY id LIMIT ?",
            [.text(type), .text(id ?? ""), .integer(Int64(limit))]
        )
        .map { (id: try $0.text("id"), value: try Self.stored($0)) }
    }

    /// A live key's value, or nil when there is none.
    package func live(_ key: String) throws -> Stored? {
        try context.check()
        return try db.firstRow("SELECT data, revision FROM live WHERE key = ?", [.text(key)]).map(Self.stored)
    }

    /// Live keys that begin with a prefix, in ascending byte order: at most `limit` of those after `key`.
    ///
    /// Pages of one transaction belong to one snapshot.
    package func live(
        prefix: String,
        after key: String? = nil,
        limit: Int = 500
    ) throws -> [(key: String, value: Stored)] {
        let range = KeyRange(prefix: prefix)
        var arguments: [SQLValue] = []
        var sql = "SELECT key, data, revision FROM live WHERE "
        if let key, !key.utf8.lexicographicallyPrecedes(range.lower.utf8) {
            sql += "key > ?"
            arguments.append(.text(key))
        } else {
            sql += "key >= ?"
            arguments.append(.text(range.lower))
        }
        if let upper = range.upper {
            sql += " AND key < ?"
            arguments.append(.text(upper))
        }
        return try rows(sql + " ORDER BY key LIMIT ?", arguments + [.integer(Int64(limit))])
            .map { (key: try $0.text("key"), value: try Self.stored($0)) }
    }

    /// Queries the tables of the service's projections.
    /// - Throws: ``StoreError`` of kind invalid when the statement is wrong.
    package func rows(_ sql: String, _ arguments: [SQLValue] = []) throws -> [SQLRow] {
        try context.check()
        return try db.rows(sql, arguments)
    }

    /// Hands every row of a query to `body` while it runs, so that the result may be of any size.
    func forEachRow(_ sql: String, _ arguments: [SQLValue] = [], _ body: (SQLRow) throws -> Void) throws {
        try context.check()
        try db.forEachRow(sql, arguments, body)
    }

    /// The sequence of a stream's last event; 0 when there was none ever.
    package func lastEvent(of stream: String) throws -> Int64 {
        try rows("SELECT last FROM stream WHERE name = ?", [.text(stream)]).first?.integer("last") ?? 0
    }

    /// Events of a stream in order: at most `limit` of those after `sequence`; a stream that does not exist is empty.
    /// - Throws: ``StoreError`` of kind compacted when events after `sequence` are no longer kept.
    package func events(of stream: String, after sequence: Int64, limit: Int = 500) throws -> [StoredEvent] {
        let floor = try oldestEvent(of: stream) - 1
        guard sequence >= floor else {
            throw StoreError(
                .compacted,
                "events of \(stream) up to \(floor) are gone; asked for those after \(sequence)"
            )
        }
        return try rows(
            "SELECT sequence, data, revision FROM event WHERE stream = ? AND sequence > ? ORDER BY sequence LIMIT ?",
            [.text(stream), .integer(sequence), .integer(Int64(limit))]
        )
        .map { row in
            try StoredEvent(
                sequence: row.integer("sequence"),
                data: row.blob("data"),
                revision: row.integer("revision")
            )
        }
    }

    /// The sequence of the oldest event that is still kept, or that the next one will get.
    package func oldestEvent(of stream: String) throws -> Int64 {
        try (rows("SELECT floor FROM stream WHERE name = ?", [.text(stream)]).first?.integer("floor") ?? 0) + 1
    }

    /// What this view shows of some change groups, for the batch that is built from it.
    package func token(groups: [String]) throws -> UpdateToken {
        var revisions: [String: Revision?] = [:]
        for group in groups {
            let rows = try rows("SELECT revision FROM grp WHERE hash = ?", [.blob(ChangeGroup.hash(group))])
            revisions.updateValue(try rows.first?.integer("revision"), forKey: group)
        }
        return UpdateToken(asOf: try revision, revisions: revisions)
    }

    private func number(_ sql: String) throws -> Int64 {
        guard let row = try db.firstRow(sql), case .integer(let number)? = row.values.first else {
            throw StoreError(.corrupted, "no number came from \(sql)")
        }
        return number
    }

    private static func stored(_ row: SQLRow) throws -> Stored {
        try Stored(data: row.blob("data"), revision: row.integer("revision"))
    }
}
