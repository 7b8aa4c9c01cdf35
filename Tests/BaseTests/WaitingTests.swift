import Base
import Synchronization
import Testing

@Suite("Waiting", .timeLimit(.minutes(5)))
struct WaitingTests {
    @Test("for a bell ends when it rings, and at once when it has rung already")
    func rings() async throws {
        let bell = Bell()
        let count = bell.count
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<100 { group.addTask { try await bell.wait(beyond: count) } }
            bell.ring()
            try await group.waitForAll()
        }
        try await bell.wait(beyond: count)
    }

    @Test("for a bell ends when the task is cancelled, also before the wait")
    func cancelled() async throws {
        let bell = Bell()
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    do {
                        try await bell.wait(beyond: bell.count)
                        return false
                    } catch {
                        return error is CancellationError
                    }
                }
            }
            group.cancelAll()
            for await wasCancelled in group { #expect(wasCancelled) }
        }
    }

    @Test("for a bell ends at the deadline")
    func deadline() async throws {
        let bell = Bell()
        #expect(try await !bell.wait(beyond: bell.count, until: .after(.milliseconds(5))))
    }

    @Test("for a deadline ends with the body's own result when that comes first")
    func bodyFirst() async throws {
        #expect(try await withDeadline(.after(.seconds(60))) { 7 } == 7)
        await #expect(throws: DeadlineExceeded.self) {
            try await withDeadline(.after(.milliseconds(5))) { try await Task.sleep(for: .seconds(60)) }
        }
    }

    @Test("in a blocking pool does not hold up more threads than it has, and every call ends")
    func pool() async throws {
        let pool = BlockingPool(name: "test", threads: 3)
        let running = Load()
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for index in 0..<300 {
                group.addTask {
                    try await pool.run {
                        running.enter()
                        defer { running.leave() }
                        return index
                    }
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 299 * 150)
        #expect(running.most <= 3)
    }

    @Test("in a blocking pool is no wait for another call while there are threads enough")
    func poolMeets() async throws {
        // A pool's threads live as long as the process, so there are not many pools.
        for _ in 0..<30 {
            let pool = BlockingPool(name: "test", threads: 2)
            try await pool.run {}
            let (here, there) = (try WakeUp(), try WakeUp())
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (mine, other) in [(here, there), (there, here)] {
                    group.addTask {
                        try await pool.run {
                            mine.signal()
                            other.wait()
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    private final class Load: Sendable {
        private let state = Mutex((now: 0, most: 0))

        var most: Int { state.withLock(\.most) }

        func enter() {
            state.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
        }

        func leave() {
            state.withLock { $0.now -= 1 }
        }
    }

    @Test("a blocking call throws what its body throws")
    func poolThrows() async {
        await #expect(throws: SystemError("read nothing", code: 5)) {
            try await BlockingPool.shared.run { throw SystemError("read nothing", code: 5) }
        }
    }

    private actor Pinned {
        private let executor: ThreadExecutor
        private(set) var count = 0

        init(_ executor: ThreadExecutor) {
            self.executor = executor
        }

        nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

        func add() { count += 1 }
    }

    @Test("an actor on its own thread takes calls from many tasks, one after another")
    func threadExecutor() async throws {
        let executor = try ThreadExecutor(name: "pinned")
        defer { executor.stop() }
        let pinned = Pinned(executor)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<1_000 { group.addTask { await pinned.add() } }
        }
        #expect(await pinned.count == 1_000)
    }
}

@Suite("A secret")
struct SecretValueTests {
    @Test("does not show in descriptions, interpolations or dumps")
    func hidden() {
        let secret = SecretValue("hunter2")
        var dumped = ""
        dump(["key": secret], to: &dumped)
        for text in ["\(secret)", String(describing: [secret]), String(reflecting: secret), dumped] {
            #expect(!text.contains("hunter2"))
        }
    }
}
