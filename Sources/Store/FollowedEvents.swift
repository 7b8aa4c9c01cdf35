import Base

/// The events of a stream, without end; see ``LocalStore/eventsFollowing(stream:after:)``.
package struct FollowedEvents: AsyncSequence, Sendable {
    let store: LocalStore
    let stream: String
    let after: Int64

    /// Starts to follow.
    package func makeAsyncIterator() -> Iterator {
        let subscription = store.signal.subscribe([.events(stream: stream)])
        return Iterator(store: store, stream: stream, after: after, subscription: subscription)
    }

    /// Reads a few events ahead and waits when there are none.
    package struct Iterator: AsyncIteratorProtocol {
        private static let readAhead = 100

        let store: LocalStore
        let stream: String
        var after: Int64
        let subscription: ChangeSignal.Subscription
        private var buffer: ArraySlice<StoredEvent> = []

        init(store: LocalStore, stream: String, after: Int64, subscription: ChangeSignal.Subscription) {
            self.store = store
            self.stream = stream
            self.after = after
            self.subscription = subscription
        }

        /// The next event; waits until there is one.
        package mutating func next() async throws -> StoredEvent? {
            while true {
                if let event = buffer.popFirst() {
                    after = event.sequence
                    return event
                }
                let count = subscription.bell.count
                buffer = try await store.events(of: stream, after: after, limit: Self.readAhead)[...]
                if buffer.isEmpty { try await subscription.bell.wait(beyond: count) }
            }
        }
    }
}
