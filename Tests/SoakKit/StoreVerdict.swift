import Base
import FoundationEssentials
import Store

/// Looks at the file of any store: what must hold whatever happened to the processes that wrote it.
struct StoreVerdict {
    private let file: StoreFile
    private(set) var broken: BrokenPromises

    init(_ file: StoreFile, named name: String) {
        self.file = file
        broken = BrokenPromises("store \(name)")
    }

    /// Damage, positions that lie beyond the last commit, gaps, and an order of events that is not the order of commits.
    mutating func check() throws {
        let finding = try file.rows("PRAGMA integrity_check(1)").first?.first
        broken.expect(finding == "ok", "the file is damaged: \(finding ?? "")")
        let meta = try file.numbers("SELECT revision, feedFloor FROM meta")[0]
        for table in ["record", "live", "grp", "feed", "event", "receipt"] {
            let beyond = try file.numbers("SELECT count(*) FROM \(table) WHERE revision > \(meta[0])")[0][0]
            broken.expect(beyond == 0, "\(table) knows \(beyond) changes beyond the last commit")
        }
        // What was changed is in the feed, as put by the same commit.
        for (table, key) in [
            ("record", "f.scope = 'r/' || t.type AND f.key = t.id"), ("live", "f.scope = 'l' AND f.key = t.key"),
        ] {
            let silent = try file.numbers(
                "SELECT count(*) FROM \(table) t WHERE t.revision > \(meta[1]) AND NOT EXISTS "
                    + "(SELECT 1 FROM feed f WHERE f.revision = t.revision AND f.op = 1 AND \(key))"
            )[0][0]
            broken.expect(silent == 0, "\(silent) changes of \(table) are not in the feed")
        }
        try checkEvents()
    }

    private mutating func checkEvents() throws {
        for stream in try file.rows("SELECT name, last, floor FROM stream") {
            let (name, last, floor) = (stream[0], Int64(stream[1]) ?? 0, Int64(stream[2]) ?? 0)
            let events = try file.numbers(
                "SELECT sequence, revision FROM event WHERE stream = '\(name)' ORDER BY sequence"
            )
            let isGapless = events.map { $0[0] } == Array((floor + 1)..<(last + 1))
            broken.expect(isGapless, "events of \(name) have gaps between \(floor) and \(last)")
            let revisions = events.map { $0[1] }
            let isOrdered = zip(revisions, revisions.dropFirst()).allSatisfy { $0 <= $1 }
            broken.expect(isOrdered, "events of \(name) are not in the order of commits")
        }
    }

    /// Derives the tables of a projection once more and compares them with those that followed every commit.
    mutating func check(_ projection: any Projection, in directory: String) async throws {
        let kept = try tables(of: projection)
        try file.execute("UPDATE meta SET projections = '\(projection.name):0'")
        try file.close()
        _ = try await LocalStore.open(directory: directory, projections: [projection])
        let again = try StoreFile(directory: directory)
        let derived = try StoreVerdict(again, named: "").tables(of: projection)
        try again.close()
        broken.expect(kept.keys == derived.keys, "the tables of \(projection.name) are others")
        for (table, rows) in kept {
            let differences = rows.symmetricDifference(derived[table] ?? [])
            broken.expect(differences.isEmpty, "\(table) is not what its records say: \(differences.prefix(3))")
        }
    }

    private func tables(of projection: any Projection) throws -> [String: Set<[String]>] {
        let names = try file.rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '\(projection.name)\\_%' ESCAPE '\\'"
        ).map { $0[0] }
        return try Dictionary(uniqueKeysWithValues: names.map { ($0, Set(try file.rows("SELECT * FROM \"\($0)\""))) })
    }
}
