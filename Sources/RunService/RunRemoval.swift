import Base
package import Model
package import Store

/// Removes runs that have ended: first from the store, in one commit, then what only they used.
package struct RunRemoval: Sendable {
    private let store: ServiceStore
    private let queries: RunQueries
    private let markers: TaskMarkers

    /// Removes from the store and from where the markers are.
    package init(store: ServiceStore, queries: RunQueries, markers: TaskMarkers) {
        self.store = store
        self.queries = queries
        self.markers = markers
    }

    /// Removes a run with its definition, its logs and its archives, as far as no other run uses them.
    /// - Throws: ``APIError`` with code `runDoesNotExist`, or `runNotEnded`.
    package func remove(_ id: RunID) async throws {
        guard let run = try await queries.run(id)?.run else { throw Self.noRun }
        let committed = try await attempt("remove run \(id)") {
            try await store.update { tx in
                guard try tx.live(RunKeys.liveRuns + id.text) == nil else { throw Self.notEnded }
                guard let stored = try tx.record(type: RunKeys.run, id: id.text) else { throw Self.noRun }
                var batch = Batch()
                batch.expect(.record(type: RunKeys.run, id: id.text, .revision(stored.revision)))
                batch.delete(record: id.text, type: RunKeys.run)
                batch.delete(record: run.definition.text, type: RunKeys.definition)
                return batch
            }
        }
        try await store.store.waitApplied(committed.revision, timeout: .seconds(30))
        await markers.release(run.tasks.keys.sorted(), of: id)
    }

    private static let noRun = APIError(.notExist, code: "runDoesNotExist", "There is no such run.")
    private static let notEnded = APIError(
        .badRequest,
        code: "runNotEnded",
        "Only a run that has ended can be removed. Stop or cancel it first."
    )
}
