import Base
import Synchronization

/// Wakes whoever waits for changes, and only those whose scope changed.
final class ChangeSignal: Sendable {
    /// One follower; it stops following when it is released.
    ///
    /// Take the bell's count, read, and if there is nothing new wait beyond that count: nothing is lost in between.
    final class Subscription: Sendable {
        /// Rings when something in the scopes may have changed.
        let bell = Bell()
        private let id: UInt64
        private let signal: ChangeSignal

        fileprivate init(id: UInt64, signal: ChangeSignal) {
            self.id = id
            self.signal = signal
        }

        deinit {
            signal.remove(id)
        }
    }

    private struct Follower {
        let scopes: [Scope]
        weak var subscription: Subscription?
    }

    private struct State {
        var published: Revision
        var nextID: UInt64 = 0
        var followers: [UInt64: Follower] = [:]
        /// Who follows a record type or a stream.
        var byScope: [Scope: Set<UInt64>] = [:]
        /// Who follows live keys or everything, found by asking each.
        var others: Set<UInt64> = []

        mutating func add(_ id: UInt64, _ subscription: Subscription, _ scopes: [Scope]) {
            followers[id] = Follower(scopes: scopes, subscription: subscription)
            if scopes.isEmpty { others.insert(id) }
            for scope in scopes {
                if case .live = scope { others.insert(id) } else { byScope[scope, default: []].insert(id) }
            }
        }

        mutating func remove(_ id: UInt64) {
            guard let follower = followers.removeValue(forKey: id) else { return }
            others.remove(id)
            for scope in follower.scopes {
                guard var ids = byScope.removeValue(forKey: scope) else { continue }
                ids.remove(id)
                if !ids.isEmpty { byScope[scope] = ids }
            }
        }

        func ids(following keys: [ChangedKey]) -> Set<UInt64> {
            var ids: Set<UInt64> = []
            for key in keys {
                switch key {
                case .record(let type, _): ids.formUnion(byScope[.records(type: type)] ?? [])
                case .events(let stream): ids.formUnion(byScope[.events(stream: stream)] ?? [])
                case .live: break
                }
            }
            for id in others where !ids.contains(id) {
                let scopes = followers[id]?.scopes ?? []
                if scopes.isEmpty || keys.contains(where: { key in scopes.contains(where: key.isIn) }) {
                    ids.insert(id)
                }
            }
            return ids
        }
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
    var published: Revision { state.withLock(\.published) }

    /// Whether anybody follows.
    var hasFollowers: Bool { state.withLock { !$0.followers.isEmpty } }

    /// Starts to follow `scopes`; none means every commit.
    func subscribe(_ scopes: [Scope]) -> Subscription {
        let (subscription, isFirst) = state.withLock { state in
            state.nextID += 1
            let subscription = Subscription(id: state.nextID, signal: self)
            state.add(state.nextID, subscription, scopes)
            return (subscription, state.followers.count == 1)
        }
        if isFirst { onFirst() }
        return subscription
    }

    /// Tells the followers of `keys` that the store reached `revision`; nil keys mean that anything may have changed.
    func publish(_ revision: Revision, _ keys: [ChangedKey]?) {
        let woken = state.withLock { state -> [Subscription] in
            state.published = max(state.published, revision)
            guard !state.followers.isEmpty else { return [] }
            let ids = keys.map { state.ids(following: $0) } ?? Set(state.followers.keys)
            return ids.compactMap { state.followers[$0]?.subscription }
        }
        for subscription in woken { subscription.bell.ring() }
    }

    private func remove(_ id: UInt64) {
        state.withLock { $0.remove(id) }
    }
}
