import FoundationEssentials
import GRDB

/// The writer's transaction while a group of batches is applied to it.
///
/// Lives on the writer's queue only. What it changes in memory follows the savepoints: see ``mark()`` and ``restore(_:)``.
final class WriteTransaction {
    /// What a savepoint must bring back.
    struct Mark {
        fileprivate let meta: Meta
        fileprivate let changed: Int
        fileprivate let isDirty: Bool
    }

    let db: Database
    let projections: ProjectionSet
    let options: StoreOptions
    let clock: BootClock
    private(set) var meta: Meta
    private(set) var changed: [ChangedKey] = []
    /// Whether anything must be committed.
    private(set) var isDirty = false
    private var maintenance: Bool?
    private var ordinal: Int64 = 0

    init(_ db: Database, projections: ProjectionSet, options: StoreOptions, clock: BootClock) throws {
        self.db = db
        self.projections = projections
        self.options = options
        self.clock = clock
        meta = try Meta.read(db)
    }

    func mark() -> Mark { Mark(meta: meta, changed: changed.count, isDirty: isDirty) }

    func restore(_ mark: Mark) {
        meta = mark.meta
        changed.removeLast(changed.count - mark.changed)
        isDirty = mark.isDirty
        maintenance = nil
    }

    /// Begins the next commit within the transaction.
    func nextRevision() -> Revision {
        meta.revision += 1
        ordinal = 0
        isDirty = true
        return meta.revision
    }

    func nextLease() -> Int64 {
        meta.lastLease += 1
        isDirty = true
        return meta.lastLease
    }

    /// A write outside of any commit, such as a moved deadline.
    func touch() { isDirty = true }

    /// Whether the store is in maintenance, as this transaction sees it.
    func isInMaintenance() throws -> Bool {
        if let maintenance { return maintenance }
        let found = try db.firstRow("SELECT 1 FROM live WHERE key = ?", [.text(StoreKeys.maintenance)]) != nil
        maintenance = found
        return found
    }

    /// Makes every process that knows the former content open the store again.
    func replaceContent(now: Int64) throws {
        _ = nextRevision()
        meta.generation += 1
        meta.epoch = max(now, meta.epoch + 1)
        meta.feedFloor = meta.revision
        meta.groupFloor = meta.revision
        maintenance = nil
    }

    /// Writes what every commit ends with, and trims what is no longer kept.
    func finish() throws {
        if meta.revision - meta.feedFloor > options.revisionsKept + Self.slack { try trimFeed() }
        if meta.revision - meta.groupFloor > options.groupRevisionsKept + Self.groupSlack { try trimGroups() }
        try meta.write(db)
    }

    // Trimming happens in strides, so that its cost per commit stays constant.
    private static let slack: Int64 = 256
    private static let groupSlack: Int64 = 4096

    private func trimFeed() throws {
        meta.feedFloor = meta.revision - options.revisionsKept
        try db.run("DELETE FROM feed WHERE revision <= ?", [.integer(meta.feedFloor)])
        try db.run("DELETE FROM receipt WHERE revision <= ?", [.integer(meta.feedFloor)])
    }

    private func trimGroups() throws {
        meta.groupFloor = meta.revision - options.groupRevisionsKept
        try db.run("DELETE FROM grp WHERE revision <= ?", [.integer(meta.groupFloor)])
    }
}

// MARK: - Changes

extension WriteTransaction {
    func putRecord(type: String, id: String, _ data: Data) throws {
        try db.run(
            "INSERT INTO record VALUES (?, ?, ?, ?) "
                + "ON CONFLICT (type, id) DO UPDATE SET data = excluded.data, revision = excluded.revision",
            [.text(type), .text(id), .blob(data), .integer(meta.revision)]
        )
        try note(.record(type: type, id: id), isPut: true)
        try projections.apply(.record(type: type, id: id, data: data), db)
    }

    func deleteRecord(type: String, id: String) throws {
        try db.run("DELETE FROM record WHERE type = ? AND id = ?", [.text(type), .text(id)])
        guard db.changesCount > 0 else { return }
        try note(.record(type: type, id: id), isPut: false)
        try projections.apply(.record(type: type, id: id, data: nil), db)
    }

    func putLive(_ key: String, _ data: Data, lease: LeaseHandle?) throws {
        if let lease, try !isAlive(lease) {
            throw StoreError(.conflict, "the lease of live key \(key) has ended")
        }
        try db.run(
            "INSERT INTO live VALUES (?1, ?2, ?3, ?3, ?4) "
                + "ON CONFLICT (key) DO UPDATE SET data = excluded.data, revision = excluded.revision, lease = excluded.lease",
            [.text(key), .blob(data), .integer(meta.revision), .optional(lease?.id)]
        )
        try noteLive(key, data)
    }

    func deleteLive(_ key: String) throws {
        try db.run("DELETE FROM live WHERE key = ?", [.text(key)])
        guard db.changesCount > 0 else { return }
        try noteLive(key, nil)
    }

    func deleteLive(prefix: String) throws {
        let range = KeyRange(prefix: prefix)
        let keys =
            if let upper = range.upper {
                try db.rows("SELECT key FROM live WHERE key >= ? AND key < ?", [.text(range.lower), .text(upper)])
            } else {
                try db.rows("SELECT key FROM live WHERE key >= ?", [.text(range.lower)])
            }
        for row in keys { try deleteLive(row.text("key")) }
    }

    func touch(group: String) throws {
        try db.run(
            "INSERT INTO grp VALUES (?, ?) ON CONFLICT (hash) DO UPDATE SET revision = excluded.revision",
            [.blob(ChangeGroup.hash(group)), .integer(meta.revision)]
        )
    }

    /// Appends events to one stream and trims what it no longer keeps.
    func append(_ events: [Data], to stream: String) throws -> ClosedRange<Int64> {
        let row = try db.firstRow("SELECT last, floor FROM stream WHERE name = ?", [.text(stream)])
        let first = try (row?.integer("last") ?? 0) + 1
        var floor = try row?.integer("floor") ?? 0
        var last = first - 1
        let time = options.wallClock()
        for data in events {
            last += 1
            try db.run(
                "INSERT INTO event VALUES (?, ?, ?, ?, ?)",
                [.text(stream), .integer(last), .blob(data), .integer(meta.revision), .date(time)]
            )
        }
        if last - floor > options.eventsKept + min(Self.slack, options.eventsKept) {
            let young = try firstYoungEvent(of: stream, after: floor, at: time)
            floor = max(floor, min(last - options.eventsKept, (young ?? .max) - 1))
            try db.run("DELETE FROM event WHERE stream = ? AND sequence <= ?", [.text(stream), .integer(floor)])
        }
        try db.run(
            "INSERT INTO stream VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET last = excluded.last, floor = excluded.floor",
            [.text(stream), .integer(last), .integer(floor)]
        )
        try note(.events(stream: stream), isPut: true)
        return first...last
    }

    /// The first event that is too young to be trimmed; looks only at those that are to be trimmed, and at that one.
    private func firstYoungEvent(of stream: String, after floor: Int64, at time: Date) throws -> Int64? {
        let age = Double(options.eventAge.components.seconds)
        return try db.firstRow(
            "SELECT sequence FROM event WHERE stream = ? AND sequence > ? AND time > ? ORDER BY sequence LIMIT 1",
            [.text(stream), .integer(floor), .date(time.addingTimeInterval(-age))]
        )?.integer("sequence")
    }

    private func noteLive(_ key: String, _ data: Data?) throws {
        if key == StoreKeys.maintenance { maintenance = data != nil }
        try note(.live(key), isPut: data != nil)
        try projections.apply(.live(key: key, data: data), db)
    }

    private func note(_ key: ChangedKey, isPut: Bool) throws {
        ordinal += 1
        let columns = key.feedColumns
        try db.run(
            "INSERT INTO feed VALUES (?, ?, ?, ?, ?)",
            [.integer(meta.revision), .integer(ordinal), .text(columns.scope), .text(columns.key), .bool(isPut)]
        )
        changed.append(key)
    }
}
