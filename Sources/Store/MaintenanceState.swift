/// What decides in which mode the instances of a service run; each looks by itself.
package struct MaintenanceState: Sendable, Equatable {
    /// Whether the service is to be in maintenance.
    package let isWanted: Bool
    /// The commit that asked for it; 0 when maintenance is not wanted.
    package let revision: Revision
    /// The store's epoch; it and the generation change with an import.
    package let epoch: Int64
    /// Counts the replacements of the content.
    package let generation: Int64

    /// Whether an instance that opened the store as `identity` may go on with what it knows of it.
    package func isCurrent(_ identity: StoreIdentity) -> Bool {
        epoch == identity.epoch && generation == identity.generation
    }
}

extension ReadTransaction {
    /// Whether maintenance is wanted, and which content the store has.
    package func maintenance() throws -> MaintenanceState {
        let wish = try live(StoreKeys.maintenance)
        let meta = try Meta.read(db)
        return MaintenanceState(
            isWanted: wish != nil,
            revision: wish?.revision ?? 0,
            epoch: meta.epoch,
            generation: meta.generation
        )
    }
}
