import Synchronization

/// Values that several tasks put together, in the order of their coming.
final class Collected<Value: Sendable>: Sendable {
    private let values = Mutex<[Value]>([])

    /// Everything so far.
    var all: [Value] { values.withLock(\.self) }

    /// Adds a value.
    func add(_ value: Value) {
        values.withLock { $0.append(value) }
    }
}
