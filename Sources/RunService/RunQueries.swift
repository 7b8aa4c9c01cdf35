import Base
import FoundationEssentials
package import Model
package import Store

/// Reads runs: live ones and archived ones look the same.
package struct RunQueries: Sendable {
    private let store: ServiceStore

    /// Reads from a store whose projections include ``RunReadModel``.
    package init(store: ServiceStore) {
        self.store = store
    }

    /// A page of runs of a group and what lies below it: the JSON of each.
    ///
    /// Runs are stored as they are sent, so a list, which browsers ask for most, needs no coder.
    package func page(_ query: RunQuery) async throws -> RunPage<[UInt8]> {
        try await attempt("list runs of \(query.group)") {
            try await store.read { tx in
                var (sql, arguments) = Self.statement(for: query)
                // One more than asked for tells whether there is a next page.
                if query.limit > 0 {
                    sql += " LIMIT ?"
                    arguments.append(.integer(Int64(query.limit) + 1))
                }
                let rows = try tx.rows(sql, arguments)
                let wanted = query.limit > 0 ? rows.prefix(query.limit) : rows[...]
                let runs = try wanted.compactMap { row in
                    try Self.stored(RunID(try row.text("id")), in: tx).map { Array($0.data) }
                }
                return RunPage(runs: runs, hasMore: rows.count > wanted.count)
            }
        }
    }

    /// A run by its identity, with its definition.
    package func run(_ id: RunID) async throws -> RunWithDefinition? {
        try await attempt("read run \(id)") {
            try await store.read { tx in try Self.loadWhole(id, in: tx) }
        }
    }

    /// A run by its number within a project or user.
    package func run(number: Int64, in root: String) async throws -> RunWithDefinition? {
        try await attempt("read run \(number) of \(root)") {
            try await store.read { tx in
                let sql = "SELECT id FROM run_list WHERE root = ? AND number = ?"
                guard let row = try tx.rows(sql, [.text(root), .integer(number)]).first else { return nil }
                return try Self.loadWhole(RunID(try row.text("id")), in: tx)
            }
        }
    }

    /// The run that was made from a definition, if there is one already.
    package func run(of definition: RunDefinitionID) async throws -> Run? {
        try await attempt("read run of definition \(definition)") {
            try await store.read { tx in
                let sql = "SELECT id FROM run_list WHERE definition = ?"
                guard let row = try tx.rows(sql, [.text(definition.text)]).first else { return nil }
                return try Self.load(RunID(try row.text("id")), in: tx)
            }
        }
    }

    /// The runs that have a task: one, or several when restarted runs kept it.
    package func runs(with task: TaskID) async throws -> Set<RunID> {
        try await attempt("look for runs with task \(task)") {
            try await store.read { tx in
                let rows = try tx.rows("SELECT run FROM run_task WHERE task = ?", [.text(task.text)])
                return Set(try rows.map { RunID(try $0.text("run")) })
            }
        }
    }

    private static func statement(for query: RunQuery) -> (String, [SQLValue]) {
        // Each is a walk along an index that ends after as many rows as are asked for, however long the history is.
        let isRoot = query.group == RunGroup.root(of: query.group)
        let number = isRoot ? "number" : "run_place.number"
        var sql =
            isRoot
            ? "SELECT id FROM run_list WHERE root = ?"
            : "SELECT id FROM run_place CROSS JOIN run_list ON id = run WHERE place = ?"
        var arguments: [SQLValue] = [.text(query.group)]
        for (column, values) in [("phase", query.phases), ("result", query.results)] where !values.isEmpty {
            sql += " AND \(column) IN (\(values.map { _ in "?" }.joined(separator: ", ")))"
            arguments += values.map(SQLValue.text)
        }
        if let start = query.start {
            sql += " AND \(number) \(query.ascending ? ">" : "<") ?"
            arguments.append(.integer(start))
        }
        sql += " ORDER BY \(number) \(query.ascending ? "ASC" : "DESC")"
        return (sql, arguments)
    }

    private static func stored(_ id: RunID, in tx: ReadTransaction) throws -> Stored? {
        try tx.live(RunKeys.liveRuns + id.text) ?? tx.record(type: RunKeys.run, id: id.text)
    }

    private static func load(_ id: RunID, in tx: ReadTransaction) throws -> Run? {
        try stored(id, in: tx).map { try JSONCoding.decode(Run.self, from: $0.data) }
    }

    private static func loadWhole(_ id: RunID, in tx: ReadTransaction) throws -> RunWithDefinition? {
        guard let run = try load(id, in: tx) else { return nil }
        guard let stored = try tx.record(type: RunKeys.definition, id: run.definition.text) else {
            throw Failure("run \(id) lacks its definition \(run.definition)")
        }
        return RunWithDefinition(run: run, definition: try JSONCoding.decode(RunDefinition.self, from: stored.data))
    }
}
