import Base
import GRDB

/// The authority of the embedded profile: the SQLite file itself decides, for all processes of the host that open it.
package final class EmbeddedAuthority: CommitAuthority {
    /// Which store this is, as it was when opened.
    package let identity: StoreIdentity

    /// Tells this process from others as the owner of locks.
    package let owner: String

    let queue: CommitQueue
    let store: LocalStore
    let projections: ProjectionSet
    private let instanceFiles: InstanceFiles
    private let released = Bell()

    init(identity: StoreIdentity, owner: String, queue: CommitQueue, store: LocalStore, projections: ProjectionSet) {
        self.identity = identity
        self.owner = owner
        self.queue = queue
        self.store = store
        self.projections = projections
        instanceFiles = InstanceFiles(directory: store.directory)
    }

    /// Applies `batch` or throws; concurrent batches share one sync.
    @concurrent package func commit(_ batch: Batch) async throws -> Committed {
        try batch.validate()
        let identity = identity
        return try await queue.run { try $0.apply(batch, opened: identity) }
    }

    /// The revision decided so far, by any process.
    @concurrent package func currentRevision() async throws -> Revision {
        try await store.read { try $0.revision }
    }

    /// Takes the lock called `name` for `ttl`.
    @concurrent package func acquire(lock name: String, ttl: Duration, wait: Bool) async throws -> LockHandle {
        try StoreLimits.check(name, "a lock's name")
        let owner = owner
        while true {
            let count = released.count
            do {
                return try await queue.run { try $0.acquire(lock: name, ttl: ttl, owner: owner) }
            } catch let error as StoreError where error.kind == .locked && wait {
                try await untilFree(lock: name, since: count)
            }
        }
    }

    /// Moves the deadline of a held lock to `ttl` from now.
    @concurrent package func renew(_ handle: LockHandle, ttl: Duration) async throws {
        try await queue.run { try $0.renew(handle, ttl: ttl) }
    }

    /// Gives the lock back, also from a cancelled task; nothing happens when it was lost already.
    @concurrent package func release(_ handle: LockHandle) async throws {
        try await queue.run(isCancellable: false) { try $0.release(handle) }
        released.ring()
    }

    /// Grants a lease: live keys written under it disappear when it ends.
    @concurrent package func grantLease(ttl: Duration) async throws -> LeaseHandle {
        let owner = owner
        return try await queue.run { try $0.grantLease(ttl: ttl, owner: owner) }
    }

    /// Moves the end of a lease to `ttl` from now.
    @concurrent package func renew(_ lease: LeaseHandle, ttl: Duration) async throws {
        try await queue.run { try $0.renew(lease, ttl: ttl) }
    }

    /// Ends a lease now, deleting its keys.
    @concurrent package func revoke(_ lease: LeaseHandle) async throws {
        try await queue.run { try $0.revoke(lease) }
    }

    /// Tells other processes what this one is doing.
    @concurrent package func announce(_ instance: ServiceInstance) async throws {
        try await BlockingPool.shared.run { [instanceFiles] in try instanceFiles.announce(instance) }
    }

    /// What every living process that has the store open says.
    @concurrent package func instances() async throws -> [ServiceInstance] {
        try await BlockingPool.shared.run { [instanceFiles] in try instanceFiles.living() }
    }

    /// Ends every lease whose time has run out; writes nothing when there is none.
    @concurrent func revokeExpiredLeases() async throws {
        let clock = store.clock
        let isNeeded = try await store.read { tx in
            try tx.rows("SELECT bootID, deadline FROM lease").contains { row in
                try clock.isPast(row.integer("deadline"), bootID: row.text("bootID"))
            }
        }
        if isNeeded { try await queue.run { try $0.revokeExpired() } }
    }

    /// Waits with reads alone, so that waiting for a lock writes nothing.
    ///
    /// Other processes release without ringing here, and dead holders never release: it also looks by itself.
    private func untilFree(lock name: String, since count: UInt64) async throws {
        let clock = store.clock
        while true {
            let soon = Deadline.after(.milliseconds(Int.random(in: 20...60)))
            if try await released.wait(beyond: count, until: soon) { return }
            let isHeld = try await store.read { tx in
                try tx.rows("SELECT bootID, deadline FROM lock WHERE name = ?", [.text(name)]).contains { row in
                    try !clock.isPast(row.integer("deadline"), bootID: row.text("bootID"))
                }
            }
            if !isHeld { return }
        }
    }
}
