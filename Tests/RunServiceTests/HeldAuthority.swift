import Base
import Store
import Synchronization

/// Decides commits like the one it wraps, but lets a test hold them.
final class HeldAuthority: CommitAuthority {
    private struct State {
        var isHolding = false
        var held: [CheckedContinuation<Bool, Never>] = []
    }

    private let real: any CommitAuthority
    private let state = Mutex(State())
    private let arrivals = Bell()

    init(_ real: any CommitAuthority) {
        self.real = real
    }

    /// Holds commits from now on.
    func hold() {
        state.withLock { $0.isHolding = true }
    }

    /// Waits until a commit is held.
    func waitForCommit() async throws {
        while state.withLock({ $0.held.isEmpty }) {
            let seen = arrivals.count
            if state.withLock({ $0.held.isEmpty }) { try await arrivals.wait(beyond: seen) }
        }
    }

    /// Lets held commits go on, or fail without having happened.
    func release(succeeding: Bool = true) {
        let held = state.withLock { state in
            defer { state = State() }
            return state.held
        }
        for commit in held { commit.resume(returning: succeeding) }
    }

    var identity: StoreIdentity { real.identity }

    func commit(_ batch: Batch) async throws -> Committed {
        let mayCommit = await withCheckedContinuation { continuation in
            let isHeld = state.withLock { state in
                if state.isHolding { state.held.append(continuation) }
                return state.isHolding
            }
            if isHeld { arrivals.ring() } else { continuation.resume(returning: true) }
        }
        guard mayCommit else { throw StoreError(.unavailable, "the test refuses this commit") }
        return try await real.commit(batch)
    }

    func currentRevision() async throws -> Revision { try await real.currentRevision() }

    func acquire(lock name: String, ttl: Duration, wait: Bool) async throws -> LockHandle {
        try await real.acquire(lock: name, ttl: ttl, wait: wait)
    }

    func renew(_ handle: LockHandle, ttl: Duration) async throws { try await real.renew(handle, ttl: ttl) }

    func release(_ handle: LockHandle) async throws { try await real.release(handle) }

    func grantLease(ttl: Duration) async throws -> LeaseHandle { try await real.grantLease(ttl: ttl) }

    func renew(_ lease: LeaseHandle, ttl: Duration) async throws { try await real.renew(lease, ttl: ttl) }

    func revoke(_ lease: LeaseHandle) async throws { try await real.revoke(lease) }

    func announce(_ instance: ServiceInstance) async throws { try await real.announce(instance) }

    func instances() async throws -> [ServiceInstance] { try await real.instances() }

    func replaceAll(with source: ImportSource, force: Bool) async throws -> StoreIdentity {
        try await real.replaceAll(with: source, force: force)
    }
}
