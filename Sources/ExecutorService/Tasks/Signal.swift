/// Wakes one waiting task; signals that come while nobody waits are one.
struct Signal: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    /// Makes a signal that nobody has raised.
    init() {
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Wakes the waiting task, or lets its next wait return at once.
    func raise() {
        continuation.yield()
    }

    /// Waits until somebody raises the signal.
    ///
    /// Only one task may wait.
    /// - Throws: `CancellationError`; the signal is then of no more use.
    func wait() async throws {
        for await _ in stream { return }
        throw CancellationError()
    }
}
