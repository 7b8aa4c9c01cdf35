import Synchronization

/// A bounded set of threads for calls that block briefly: file system work, password hashing, waiting for a child.
///
/// Swift's cooperative pool has one thread per core and must never block; such work goes here instead. Calls wait in line
/// when all threads are busy.
public final class BlockingPool: Sendable {
    private struct State {
        var waiting: [@Sendable () -> Void] = []
        var threads = 0
        var idle = 0
        var wakeUp: WakeUp?
    }

    private let name: String
    private let limit: Int
    private let state = Mutex(State())

    /// Shared by code that has no reason for threads of its own.
    public static let shared = BlockingPool(name: "blocking", threads: 16)

    /// Makes a pool; threads start on first use and live as long as the process.
    public init(name: String, threads limit: Int) {
        self.name = name
        self.limit = limit
    }

    /// Runs `body` on one of the pool's threads.
    /// - Throws: what `body` throws, ``SystemError`` when no thread can be started, and `CancellationError` when the task was
    ///   cancelled before the call; work that was accepted runs to its end.
    public func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try Task.checkCancellation()
        return try await withCheckedThrowingContinuation { continuation in
            do {
                let wakeUp = try wakeUp()
                try startThreadIfNeeded(wakeUp)
                state.withLock { $0.waiting.append { continuation.resume(with: Result { try body() }) } }
                wakeUp.signal()
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    private func wakeUp() throws -> WakeUp {
        try state.withLock { state in
            if let wakeUp = state.wakeUp { return wakeUp }
            let wakeUp = try WakeUp(countsSignals: true)
            state.wakeUp = wakeUp
            return wakeUp
        }
    }

    private func startThreadIfNeeded(_ wakeUp: WakeUp) throws {
        let isNeeded = state.withLock { state in
            guard state.idle <= state.waiting.count, state.threads < limit else { return false }
            state.threads += 1
            return true
        }
        guard isNeeded else { return }
        do {
            try NamedThread.start(name: name) { [self] in loop(wakeUp) }
        } catch {
            let threads = state.withLock { state in
                state.threads -= 1
                return state.threads
            }
            if threads == 0 { throw error }
        }
    }

    private func loop(_ wakeUp: WakeUp) {
        while true {
            state.withLock { $0.idle += 1 }
            wakeUp.wait()
            let work = state.withLock { state in
                state.idle -= 1
                return state.waiting.isEmpty ? nil : state.waiting.removeFirst()
            }
            work?()
        }
    }
}
