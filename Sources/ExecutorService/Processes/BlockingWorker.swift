import Base
import Logging

/// A thread of its own for work that blocks and must be done even when the task that wants it was cancelled: cleaning up.
///
/// Its processes die when the executor does: a child is bound to the thread that started it.
actor BlockingWorker {
    private let thread: ThreadExecutor

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Starts the thread.
    /// - Throws: ``SystemError`` when the system has none to give.
    init(name: String) throws {
        thread = try ThreadExecutor(name: name)
    }

    deinit {
        thread.stop()
    }

    /// Runs `body` on the thread.
    func run<Value: Sendable>(_ body: @Sendable () throws -> Value) rethrows -> Value {
        try body()
    }

    /// Runs clean-up work; a failure is logged, as nobody else can help.
    func cleanUp(_ what: String, _ body: @Sendable () throws -> Void) {
        do {
            try body()
        } catch {
            Logger.current.error("clean-up failed", error: error, metadata: ["what": "\(what)"])
        }
    }
}
