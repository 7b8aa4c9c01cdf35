/// What a commit did.
package struct Committed: Sendable, Equatable {
    /// The revision the batch got; the current one when the batch was empty.
    package let revision: Revision
    /// The sequences given to the batch's events, per stream.
    package let events: [String: ClosedRange<Int64>]

    /// Makes a result.
    package init(revision: Revision, events: [String: ClosedRange<Int64>] = [:]) {
        self.revision = revision
        self.events = events
    }
}

/// Decides commits: the seam between the embedded profile (the service's own SQLite file) and the cluster profile.
///
/// Contract of every implementation:
/// - `commit` applies a whole batch or nothing. When it returns, the batch survives a power loss and every
///   ``LocalStore`` will show it; the one on the embedded profile shows it already, others after
///   ``LocalStore/waitApplied(_:timeout:)``.
/// - Commits have one order, their revisions; a batch sees everything committed before it.
/// - Every batch also expects that maintenance is absent (unless it says otherwise) and that nobody replaced the store's
///   content since this process opened it. So a process that has not noticed either yet cannot write.
/// - A refused batch leaves no trace. Only ``StoreError/Kind/outcomeUnknown`` leaves open what happened.
/// - A lock's fence grows with every acquisition. A holder adds `.fence(handle)` to its batches; then even one that was
///   stopped past its deadline and continued is refused.
/// - Time for locks and leases is the boot-time clock, so wall-clock jumps do not matter.
/// - Cancelling a waiting `commit` withdraws the batch if it was not begun yet; otherwise its outcome is returned.
///
/// Errors are ``StoreError`` by kind, or `CancellationError`.
package protocol CommitAuthority: Sendable {
    /// Which store this is, as it was when opened.
    var identity: StoreIdentity { get }

    /// Applies `batch` or throws.
    /// - Throws: ``StoreError``: conflict, maintenance, epochChanged, tooLarge, contention, unavailable, outcomeUnknown,
    ///   invalid.
    @concurrent func commit(_ batch: Batch) async throws -> Committed

    /// The revision decided so far, by any process.
    @concurrent func currentRevision() async throws -> Revision

    /// Takes the lock called `name` for `ttl`; see ``withLock(_:ttl:wait:_:)`` for automatic renewal.
    /// - Throws: ``StoreError`` of kind locked when it is held and `wait` is false.
    @concurrent func acquire(lock name: String, ttl: Duration, wait: Bool) async throws -> LockHandle

    /// Moves the deadline of a held lock to `ttl` from now.
    /// - Throws: ``StoreError`` of kind conflict when the lock is no longer held under this handle.
    @concurrent func renew(_ handle: LockHandle, ttl: Duration) async throws

    /// Gives the lock back, also from a cancelled task; nothing happens when it was lost already.
    @concurrent func release(_ handle: LockHandle) async throws

    /// Grants a lease: live keys written under it disappear when it ends.
    @concurrent func grantLease(ttl: Duration) async throws -> LeaseHandle

    /// Moves the end of a lease to `ttl` from now.
    /// - Throws: ``StoreError`` of kind conflict when the lease has ended.
    @concurrent func renew(_ lease: LeaseHandle, ttl: Duration) async throws

    /// Ends a lease now, deleting its keys.
    @concurrent func revoke(_ lease: LeaseHandle) async throws

    /// Tells others what this process is doing, also in maintenance; the word vanishes with the process.
    @concurrent func announce(_ instance: ServiceInstance) async throws

    /// What every living process that has the store open says; a stopped one is living.
    @concurrent func instances() async throws -> [ServiceInstance]

    /// Replaces all records by those of a validated import, in one step: before it nothing has changed, after it everything.
    ///
    /// Live keys (but maintenance), groups and events are wiped, sequences of events go on, projections are derived anew; epoch and
    /// generation grow, so that every process has to open the store again. The content that was there is kept as an export.
    /// - Parameters:
    ///   - source: what is to be there.
    ///   - force: goes ahead although other instances are not in maintenance; their commits are refused all the same.
    /// - Returns: what the store is now.
    /// - Throws: ``StoreError``: notInMaintenance, instancesNotReady, locked (another import), unavailable.
    @concurrent func replaceAll(with source: ImportSource, force: Bool) async throws -> StoreIdentity
}
