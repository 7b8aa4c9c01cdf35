import Base
import FoundationEssentials
import Model
package import Store

/// The tables by which runs are found: derived from live and archived runs.
package struct RunReadModel: Projection {
    /// The prefix of the table.
    package let name = "run"
    /// Grows when the table or what is derived changes.
    package let version = 3
    /// One row for each run, live or archived, one for each of its tasks, and one for each group below its root that it is listed in.
    ///
    /// All begin with the run's id: an import brings runs in that order, and appends.
    package let schema = """
        CREATE TABLE run_list(
            id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, number INTEGER NOT NULL, root TEXT NOT NULL,
            definition TEXT NOT NULL, phase TEXT NOT NULL, result TEXT NOT NULL, live INTEGER NOT NULL
        );
        CREATE INDEX run_list_root ON run_list(root, number);
        CREATE INDEX run_list_phase ON run_list(root, phase, number);
        CREATE INDEX run_list_result ON run_list(root, result, number);
        CREATE INDEX run_list_definition ON run_list(definition);
        CREATE TABLE run_task(run TEXT NOT NULL, task TEXT NOT NULL, PRIMARY KEY(run, task)) WITHOUT ROWID;
        CREATE INDEX run_task_task ON run_task(task);
        CREATE TABLE run_place(
            run TEXT NOT NULL, place TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY(run, place)
        ) WITHOUT ROWID;
        CREATE INDEX run_place_place ON run_place(place, number, run);
        """

    /// Makes the model.
    package init() {}

    /// Follows a run into the live keys, through its changes, and into the records.
    package func effect(of change: ProjectedChange) throws -> Effect? {
        switch change {
        case .live(let key, let data?) where key.hasPrefix(RunKeys.liveRuns):
            .write(try JSONCoding.decode(ListedRun.self, from: data), live: true)
        case .live(let key, nil) where key.hasPrefix(RunKeys.liveRuns):
            .remove(String(key.dropFirst(RunKeys.liveRuns.count)), onlyLive: true)
        case .record(RunKeys.run, _, let data?):
            .write(try JSONCoding.decode(ListedRun.self, from: data), live: false)
        case .record(RunKeys.run, let id, nil):
            .remove(id, onlyLive: false)
        default:
            nil
        }
    }

    /// What becomes of a run's rows.
    package enum Effect: Sendable {
        /// They are as the run is.
        case write(ListedRun, live: Bool)
        /// They go.
        case remove(String, onlyLive: Bool)
    }

    /// Brings a run's rows up to date.
    package func apply(_ effect: Effect, to tables: ProjectionWriter) throws {
        switch effect {
        case .write(let run, let live): try write(run, live: live, to: tables)
        case .remove(let id, let onlyLive): try remove(id, onlyLive: onlyLive, from: tables)
        }
    }

    private func remove(_ id: String, onlyLive: Bool, from tables: ProjectionWriter) throws {
        let rows = try tables.rows("SELECT live FROM run_list WHERE id = ?", [.text(id)])
        guard let row = rows.first, try !onlyLive || row.integer("live") == 1 else { return }
        try tables.execute("DELETE FROM run_list WHERE id = ?", [.text(id)])
        try tables.execute("DELETE FROM run_task WHERE run = ?", [.text(id)])
        try tables.execute("DELETE FROM run_place WHERE run = ?", [.text(id)])
    }

    private func write(_ run: ListedRun, live: Bool, to tables: ProjectionWriter) throws {
        // A run's tasks and group never change, so that only a new row has to say which they are.
        if try tables.rows("SELECT id FROM run_list WHERE id = ?", [.text(run.id)]).isEmpty {
            for task in run.tasks.keys {
                try tables.execute("INSERT INTO run_task VALUES (?, ?)", [.text(run.id), .text(task)])
            }
            for place in RunGroup.below(rootOf: run.group) {
                try tables.execute(
                    "INSERT INTO run_place VALUES (?, ?, ?)",
                    [.text(run.id), .text(place), .integer(run.number)]
                )
            }
        }
        try tables.execute(
            "INSERT OR REPLACE INTO run_list VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                .text(run.id), .integer(run.sequence), .integer(run.number), .text(RunGroup.root(of: run.group)),
                .text(run.definition), .text(run.phase), .text(run.result), .integer(live ? 1 : 0),
            ]
        )
    }
}

/// What lists need of a stored ``Model/Run``; decoding no more makes every commit and import of runs cheaper.
package struct ListedRun: Decodable, Sendable {
    struct Anything: Decodable {
        init(from decoder: any Decoder) {}
    }

    let id: String
    let sequence: Int64
    let number: Int64
    let group: String
    let definition: String
    let phase: String
    let result: String
    let tasks: [String: Anything]
}

/// The names of what the runservice stores.
package enum RunKeys {
    /// The record type of runs that have ended.
    package static let run = "run"
    /// The record type of run definitions.
    package static let definition = "definition"
    /// The record type of counters; the id is a root group, or ``sequence``.
    package static let counter = "counter"
    /// The counter of all runs.
    package static let sequence = "runs"
    /// The prefix of live runs.
    package static let liveRuns = "run/"
    /// The prefix of assignments.
    package static let liveTasks = "task/"
    /// The prefix of executors.
    package static let liveExecutors = "executor/"
    /// The live key that says since when the object storage is kept according to what this store holds.
    package static let objectsKeptSince = "objects/since"
    /// The stream of run events.
    package static let events = "runs"
}

/// The paths that say where runs belong: `/project/<id>/branch/<name>` and the like.
package enum RunGroup {
    /// The first two elements: the project or user, which counts its runs.
    /// - Returns: the group itself when it has fewer.
    package static func root(of group: String) -> String {
        var slashes = 0
        let end = group.utf8.firstIndex { byte in
            if byte == UInt8(ascii: "/") { slashes += 1 }
            return slashes == 3
        }
        return end.map { String(group[..<$0]) } ?? group
    }

    /// Whether a group is well formed: absolute, alternating kind and value, nothing empty.
    package static func isValid(_ group: String) -> Bool {
        let parts = group.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return group.utf8.count <= 1_024 && parts.count >= 3 && parts.count % 2 == 1 && parts[0].isEmpty
            && parts.dropFirst().allSatisfy { !$0.isEmpty }
    }

    /// The groups below the root that a run of `group` is listed in: each beginning of the path, and the path itself.
    static func below(rootOf group: String) -> [String] {
        let slashes = group.utf8.indices.filter { group.utf8[$0] == UInt8(ascii: "/") }
        guard slashes.count > 2 else { return [] }
        return slashes.dropFirst(3).map { String(group[..<$0]) } + [group]
    }

    /// Whether `group` is `base` or lies below it.
    package static func contains(_ base: String, _ group: String) -> Bool {
        group == base || group.hasPrefix(base + "/")
    }
}
