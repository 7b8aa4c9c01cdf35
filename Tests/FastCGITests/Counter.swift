import Synchronization
import TestSupport
import Testing

/// A number that handlers and tests share.
final class Counter: Sendable {
    private let state = Mutex(0)

    var value: Int { state.withLock { $0 } }

    func add(_ amount: Int = 1) {
        state.withLock { $0 += amount }
    }

    /// Waits until the number has stopped growing: that something waits has no event of its own.
    func settle() async throws {
        var before = -1
        try await eventually("the number stops growing") {
            try await Task.sleep(for: .milliseconds(200))
            let now = value
            defer { before = now }
            return now == before
        }
    }
}
