import Base
import Synchronization

/// The end of the mode in which a request began: normal operation, or maintenance.
///
/// A service that changes its mode lets running requests end. Those that would go on for ever look here, by
/// ``untilGracefulShutdown(_:)``.
package final class ModeEnd: Sendable {
    /// That of the running request; nil in services without modes.
    @TaskLocal package static var current: ModeEnd?

    private let beginning = Mutex<ContinuousClock.Instant?>(nil)
    private let bell = Bell()

    /// Makes the end of a mode that has just begun.
    package init() {}

    /// Asks everything that belongs to the mode to end.
    package func begin() {
        beginning.withLock { $0 = $0 ?? .now }
        bell.ring()
    }

    /// When the end began; nil before.
    package var began: ContinuousClock.Instant? { beginning.withLock(\.self) }

    /// Whether the end began, and at least `duration` ago.
    package func isOlder(than duration: Duration) -> Bool {
        began.map { $0.duration(to: .now) >= duration } ?? false
    }

    /// Runs `body` and cancels it when the end has begun and `grace` has passed.
    /// - Returns: what `body` returns; nil when it was cancelled for this reason.
    package func cancelling<Value: Sendable>(
        after grace: Duration,
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value? {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await self.wait(grace)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    private func wait(_ grace: Duration) async throws {
        while true {
            let count = bell.count
            if let began { return try await Task.sleep(until: began + grace, clock: .continuous) }
            try await bell.wait(beyond: count)
        }
    }
}
