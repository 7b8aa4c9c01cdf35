import Base
import Glibc
import Synchronization
import TestSupport
import Testing

/// Holds threads and tasks of a test server back until the test opens it.
final class ThreadGate: Sendable {
    private let isOpen = Mutex(false)

    /// Whether the gate was opened.
    var isPassed: Bool { isOpen.withLock { $0 } }

    func open() {
        isOpen.withLock { $0 = true }
    }

    /// Blocks the calling thread, which must be a script's own.
    func waitUntilOpen() {
        while !isPassed { usleep(1000) }
    }
}

/// Counts across threads.
final class Counter: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .sequentiallyConsistent) }

    /// Adds and returns the new value.
    @discardableResult
    func increment(by amount: Int = 1) -> Int {
        count.add(amount, ordering: .sequentiallyConsistent).newValue
    }

    /// Waits until the counter stands still: full buffers have no event of their own.
    func standstill() async throws {
        var last = (value: -1, times: 0)
        try await eventually("the counter stands still") {
            last = value == last.value ? (last.value, last.times + 1) : (value, 0)
            return last.times >= 20
        }
    }
}
