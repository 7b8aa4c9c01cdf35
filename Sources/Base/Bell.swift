import Synchronization

/// Wakes everybody who waits for something to change: log readers, held requests, event streams.
///
/// Level-triggered: take ``count``, look at the state, and if there is nothing to do ``wait(beyond:)`` that count. A ring between the
/// look and the wait is not missed.
public final class Bell: Sendable {
    private struct State {
        var count: UInt64 = 0
        var nextWaiter: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, any Error>] = [:]
    }

    private let state = Mutex(State())

    /// Makes a bell that has not rung.
    public init() {}

    /// How often the bell has rung.
    public var count: UInt64 { state.withLock(\.count) }

    /// Wakes all who wait.
    public func ring() {
        let waiters = state.withLock { state in
            state.count &+= 1
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }

    /// Returns when the bell has rung more than `count` times.
    /// - Throws: `CancellationError` when the task is cancelled first.
    public func wait(beyond count: UInt64) async throws {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome: Result<Void, any Error>? = state.withLock { state in
                    if state.count > count { return .success(()) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiters[id] = continuation
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
            waiter?.resume(throwing: CancellationError())
        }
    }

    /// Returns whether the bell rang more than `count` times before `deadline`.
    /// - Throws: `CancellationError` when the task is cancelled first.
    public func wait(beyond count: UInt64, until deadline: Deadline) async throws -> Bool {
        do {
            try await withDeadline(deadline) { try await self.wait(beyond: count) }
            return true
        } catch is DeadlineExceeded {
            return false
        }
    }
}
