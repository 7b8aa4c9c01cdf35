/// The waits between attempts: doubling from the first to the longest, each a little random so that executors part.
struct Backoff: Sendable {
    /// How often it has waited since the last success.
    private(set) var failures = 0
    private var next: Duration = .milliseconds(50)
    private let longest: Duration = .seconds(2)

    /// Waits once more.
    /// - Throws: `CancellationError`.
    mutating func wait() async throws {
        let duration = next * Double.random(in: 0.8...1.2)
        failures += 1
        next = min(next * 2, longest)
        try await Task.sleep(for: duration)
    }

    /// Starts again from the first wait.
    mutating func reset() {
        self = Backoff()
    }
}
