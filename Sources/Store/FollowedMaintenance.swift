import Base

/// The state of maintenance, now and after each change, without end; see ``ServiceStore/followMaintenance()``.
package struct FollowedMaintenance: AsyncSequence, Sendable {
    let store: LocalStore

    /// Starts to follow.
    package func makeAsyncIterator() -> Iterator {
        Iterator(store: store, subscription: store.signal.subscribe([.live(prefix: StoreKeys.maintenance)]))
    }

    /// Reads the state when something may have changed, and every few seconds in any case.
    package struct Iterator: AsyncIteratorProtocol {
        /// A lost wake-up delays the switch by this much and no more.
        private static let longestPause: Duration = .seconds(5)

        let store: LocalStore
        let subscription: ChangeSignal.Subscription
        private var last: MaintenanceState?

        init(store: LocalStore, subscription: ChangeSignal.Subscription) {
            self.store = store
            self.subscription = subscription
        }

        /// The state when it differs from the one before; waits until it does.
        package mutating func next() async throws -> MaintenanceState? {
            while true {
                let count = subscription.bell.count
                let state = try await store.read { try $0.maintenance() }
                if state != last {
                    last = state
                    return state
                }
                _ = try await subscription.bell.wait(beyond: count, until: .after(Self.longestPause))
            }
        }
    }
}
