import Base
import Logging
import Synchronization

/// What a read carries: who asks, until when, and how to stop it.
final class ReadContext: Sendable {
    private struct State {
        var isCancelled = false
        var interrupt: (@Sendable () -> Void)?
    }

    let logger: Logger
    let deadline: Deadline?
    private let state = Mutex(State())

    init(logger: Logger, deadline: Deadline?) {
        self.logger = logger
        self.deadline = deadline
    }

    /// Whether the reader's task was cancelled.
    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Throws when the result is no longer wanted.
    func check() throws {
        if isCancelled { throw CancellationError() }
        if let deadline, deadline.isPast { throw DeadlineExceeded() }
    }

    /// Ends the running statement, if any, and refuses later ones.
    func cancel() {
        state.withLock { state in
            state.isCancelled = true
            // Within the lock: once the read has ended, its connection belongs to another one.
            state.interrupt?()
        }
    }

    /// The read runs on a connection that `interrupt` stops.
    func begin(interrupt: @escaping @Sendable () -> Void) throws {
        try check()
        state.withLock { $0.interrupt = interrupt }
    }

    /// The read no longer uses the connection.
    func end() {
        state.withLock { $0.interrupt = nil }
    }
}
