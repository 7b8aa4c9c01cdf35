import Synchronization

/// Wakes whoever waits for changes, and only those whose scope changed.
///
/// A subscription remembers that something happened since it was last asked, so nothing is lost between reading and
/// waiting: subscribe first, read, then wait.
final class ChangeSignal: Sendable {
    /// One follower; it stops following when it is released.
    final class Subscription: Sendable {
        private struct State {
            var isPending = false
            var waiter: CheckedContinuation<Void, any Error>?
        }

        let scopes: [Scope]
        private let id: UInt64
        private let signal: ChangeSignal
        private let state = Mutex(State())

        fileprivate init(scopes: [Scope], id: UInt64, signal: ChangeSignal) {
            self.scopes = scopes
            self.id = id
            self.signal = signal
        }

        deinit {
            signal.remove(id)
        }

        /// Returns when something in the scopes changed since the last return; at most one task waits at a time.
        /// - Throws: `CancellationError`.
        @concurrent func wait() async throws {
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                    let isDone = state.withLock { state in
                        if Task.isCancelled || state.isPending { return true }
                        state.waiter = continuation
                        return false
                    }
                    guard isDone else { return }
                    if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
                    state.withLock { $0.isPending = false }
                    continuation.resume()
                }
            } onCancel: {
                take()?.resume(throwing: CancellationError())
            }
        }

        fileprivate func wake() {
            let waiter = state.withLock { state -> CheckedContinuation<Void, any Error>? in
                guard let waiter = state.waiter else {
                    state.isPending = true
                    return nil
                }
                state.waiter = nil
                return waiter
            }
            waiter?.resume()
        }

        private func take() -> CheckedContinuation<Void, any Error>? {
            state.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }
        }
    }

    fileprivate struct WeakSubscription {
        weak var subscription: Subscription?
    }

    fileprivate struct State {
        var published: Revision
        var nextID: UInt64 = 0
        var all: [UInt64: WeakSubscription] = [:]
        var byName: [Scope: Set<UInt64>] = [:]
        var byPrefix: [UInt64: [String]] = [:]
        var everything: Set<UInt64> = []
    }

    private let state: Mutex<State>
    private let onFirst: @Sendable () -> Void

    /// Makes a signal for a store that is at `revision`.
    ///
    /// `onFirst` is called when a subscription is added where there was none.
    init(revision: Revision, onFirst: @escaping @Sendable () -> Void = {}) {
        state = Mutex(State(published: revision))
        self.onFirst = onFirst
    }

    /// All commits up to here were published.
    var published: Revision { state.withLock { $0.published } }

    /// Whether anybody follows.
    var hasSubscribers: Bool { state.withLock { !$0.all.isEmpty } }

    /// Starts to follow `scopes`; none means every commit.
    func subscribe(_ scopes: [Scope]) -> Subscription {
        let (subscription, isFirst) = state.withLock { state -> (Subscription, Bool) in
            state.nextID += 1
            let id = state.nextID
            let subscription = Subscription(scopes: scopes, id: id, signal: self)
            state.all[id] = WeakSubscription(subscription: subscription)
            if scopes.isEmpty { state.everything.insert(id) }
            for scope in scopes {
                if case .live(let prefix) = scope {
                    state.byPrefix[id, default: []].append(prefix)
                } else {
                    state.byName[scope, default: []].insert(id)
                }
            }
            return (subscription, state.all.count == 1)
        }
        if isFirst { onFirst() }
        return subscription
    }

    /// Tells the followers of `keys` that the store reached `revision`; nil keys mean that anything may have changed.
    func publish(_ revision: Revision, _ keys: [ChangedKey]?) {
        let woken = state.withLock { state -> [Subscription] in
            state.published = max(state.published, revision)
            guard !state.all.isEmpty else { return [] }
            let ids = keys.map { state.followers(of: $0) } ?? Set(state.all.keys)
            return ids.compactMap { state.all[$0]?.subscription }
        }
        for subscription in woken { subscription.wake() }
    }

    private func remove(_ id: UInt64) {
        state.withLock { state in
            state.all[id] = nil
            state.everything.remove(id)
            state.byPrefix[id] = nil
            for (scope, ids) in state.byName where ids.contains(id) {
                state.byName[scope] = ids.count == 1 ? nil : ids.subtracting([id])
            }
        }
    }
}

extension ChangeSignal.State {
    fileprivate func followers(of keys: [ChangedKey]) -> Set<UInt64> {
        var ids = everything
        for key in keys {
            switch key {
            case .record(let type, _): ids.formUnion(byName[.records(type: type)] ?? [])
            case .events(let stream): ids.formUnion(byName[.events(stream: stream)] ?? [])
            case .live(let key):
                for (id, prefixes) in byPrefix where !ids.contains(id) {
                    if prefixes.contains(where: { key.utf8.starts(with: $0.utf8) }) { ids.insert(id) }
                }
            }
        }
        return ids
    }
}
