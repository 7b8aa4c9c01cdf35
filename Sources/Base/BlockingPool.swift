import Synchronization

/// A bounded set of threads for calls that block briefly: file system work, password hashing, waiting for a child.
///
/// Swift's cooperative pool has one thread per core and must never block; such work goes here instead. Calls wait in line
/// when all threads are busy.
public final class BlockingPool: Sendable {
    private struct State {
        var waiting: [Call] = []
        var threads = 0
        /// Threads that wait for work, or are about to.
        var idle = 0
        var wakeUp: WakeUp?
    }

    private final class Call: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) {
            self.body = body
        }
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
                try accept(Call { continuation.resume(with: Result { try body() }) })
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    private func accept(_ call: Call) throws {
        let wakeUp = try wakeUp()
        let needsThread = state.withLock { state in
            state.waiting.append(call)
            guard state.idle < state.waiting.count, state.threads < limit else { return false }
            state.threads += 1
            state.idle += 1
            return true
        }
        if needsThread { try startThread(for: call, wakeUp) }
        wakeUp.signal()
    }

    private func wakeUp() throws -> WakeUp {
        try state.withLock { state in
            if let wakeUp = state.wakeUp { return wakeUp }
            let wakeUp = try WakeUp(countsSignals: true)
            state.wakeUp = wakeUp
            return wakeUp
        }
    }

    private func startThread(for call: Call, _ wakeUp: WakeUp) throws {
        do {
            try NamedThread.start(name: name) { [self] in loop(wakeUp) }
        } catch {
            try state.withLock { state in
                state.threads -= 1
                state.idle -= 1
                // Others will come to it, unless there are none.
                guard state.threads == 0 else { return }
                state.waiting.removeAll { $0 === call }
                throw error
            }
        }
    }

    private func loop(_ wakeUp: WakeUp) {
        while true {
            wakeUp.wait()
            let call = state.withLock { state in
                state.idle -= 1
                return state.waiting.isEmpty ? nil : state.waiting.removeFirst()
            }
            call?.body()
            state.withLock { $0.idle += 1 }
        }
    }
}
