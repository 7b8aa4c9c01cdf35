import Base
import FoundationEssentials

/// Why maintenance was asked for, as it is stored under its key.
private struct MaintenanceWish: Codable {
    let reason: String
    let since: Date
}

extension ServiceStore {
    /// Whether maintenance is wanted now, and which content the store has.
    package var maintenance: MaintenanceState {
        get async throws { try await store.read { try $0.maintenance() } }
    }

    /// The state of maintenance now, and again after each change of it or of the content as a whole.
    ///
    /// Level-triggered: of several quick changes only the last is seen for certain. It also looks by itself every 5 s.
    package func followMaintenance() -> FollowedMaintenance {
        FollowedMaintenance(store: store)
    }

    /// Asks every instance of the service to go into maintenance, or to leave it; each follows by itself.
    ///
    /// When it returns true, no commit is accepted any more (or commits are accepted again), whether instances have noticed or not.
    /// - Parameters:
    ///   - isWanted: the wish.
    ///   - reason: for people who look at the store.
    /// - Returns: false when it was wished so already.
    /// - Throws: ``StoreError``.
    @concurrent package func setMaintenance(_ isWanted: Bool, reason: String = "") async throws -> Bool {
        while true {
            let state = try await maintenance
            guard state.isWanted != isWanted else { return false }
            var batch = Batch()
            batch.expect(.maintenance(.ignored))
            if isWanted {
                batch.expect(.live(key: StoreKeys.maintenance, .absent))
                try batch.put(live: StoreKeys.maintenance, value: MaintenanceWish(reason: reason, since: Date()))
            } else {
                batch.expect(.live(key: StoreKeys.maintenance, .revision(state.revision)))
                batch.delete(live: StoreKeys.maintenance)
            }
            do {
                _ = try await authority.commit(batch)
                return true
            } catch let error as StoreError where error.kind == .conflict {
                // Somebody else was faster; what they wished may be the same.
                try await store.waitApplied(authority.currentRevision(), timeout: .seconds(5))
            }
        }
    }

    /// Tells other processes what this one is doing; the word vanishes with the process or the store it opened.
    /// - Throws: ``StoreError`` of kind unavailable.
    @concurrent package func announce(_ instance: ServiceInstance) async throws {
        try await authority.announce(instance)
    }

    /// What every living process that has the store open says it is doing.
    /// - Throws: ``StoreError`` of kind unavailable.
    @concurrent package func instances() async throws -> [ServiceInstance] {
        try await authority.instances()
    }
}
