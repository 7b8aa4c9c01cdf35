import Base

/// The waits between attempts: doubling from the first to the longest, each a little random so that executors part.
struct Backoff: Sendable {
    /// Longer than this nobody is believed that they need.
    private static let longestWish: Duration = .seconds(10)

    /// How often it has waited since the last success.
    private(set) var failures = 0
    private var next: Duration = .milliseconds(50)
    private let longest: Duration = .seconds(2)

    /// Waits once more; as long as the runservice asks for when it is in maintenance.
    ///
    /// A runservice that merely starts again is back much sooner than it says.
    /// - Throws: `CancellationError`.
    mutating func wait(after error: (any Error)? = nil) async throws {
        let wish = min(error.flatMap(Self.wish) ?? .zero, Self.longestWish)
        let duration = max(next, wish) * Double.random(in: 0.8...1.2)
        failures += 1
        next = min(next * 2, longest)
        try await Task.sleep(for: duration)
    }

    /// Starts again from the first wait.
    mutating func reset() {
        self = Backoff()
    }

    private static func wish(_ error: any Error) -> Duration? {
        isMaintenance(error) ? ErrorChain(error).first(RemoteError.self)?.retryAfter : nil
    }

    /// Whether the runservice is in maintenance, which somebody wanted and which nobody needs to be told of again and again.
    static func isMaintenance(_ error: any Error) -> Bool {
        ErrorChain(error).first(RemoteError.self)?.code == "maintenance"
    }
}
