/// The moment by which something must be done; passed down instead of a time-out, so that nested calls share it.
public struct Deadline: Sendable, Comparable {
    /// The moment on the continuous clock.
    public let instant: ContinuousClock.Instant

    /// A deadline at a known moment.
    public init(_ instant: ContinuousClock.Instant) {
        self.instant = instant
    }

    /// A deadline `duration` from now.
    public static func after(_ duration: Duration) -> Self {
        Self(ContinuousClock.now.advanced(by: duration))
    }

    /// The time that is left; never negative.
    public var remaining: Duration {
        let left = ContinuousClock.now.duration(to: instant)
        return left > .zero ? left : .zero
    }

    /// Whether the moment has passed.
    public var isPast: Bool { remaining == .zero }

    /// Orders by moment.
    public static func < (left: Self, right: Self) -> Bool { left.instant < right.instant }
}

/// A deadline passed before the work was done.
public struct DeadlineExceeded: Error, CustomStringConvertible {
    /// Makes the error.
    public init() {}

    /// A constant text.
    public var description: String { "deadline exceeded" }
}

/// Runs `body` and cancels it when `deadline` passes.
/// - Throws: ``DeadlineExceeded`` when the deadline passed first, otherwise what `body` throws.
public func withDeadline<Value: Sendable>(
    _ deadline: Deadline,
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(until: deadline.instant, clock: .continuous)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else { throw DeadlineExceeded() }
        return value
    }
}
