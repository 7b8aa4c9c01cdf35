import Synchronization

/// A serial executor over one named thread, for actors that call blocking C libraries.
///
/// An actor pinned to it may block freely without taking a thread from Swift's cooperative pool. The thread lives until
/// ``stop()``; jobs that were enqueued before still run.
public final class ThreadExecutor: SerialExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var isStopped = false
    }

    private let state = Mutex(State())
    private let wakeUp: WakeUp

    /// Starts the thread.
    /// - Parameters:
    ///   - name: shown by `ps -L` and debuggers; at most 15 bytes are kept.
    ///   - bytes: the size of the stack; nil takes the system's default.
    /// - Throws: ``SystemError`` when the system has no thread or descriptor to give.
    public init(name: String, stackSize bytes: Int? = nil) throws {
        wakeUp = try WakeUp()
        try NamedThread.start(name: name, stackSize: bytes) { [self] in loop() }
    }

    /// Ends the thread after the jobs that are already enqueued.
    public func stop() {
        state.withLock { $0.isStopped = true }
        wakeUp.signal()
    }

    /// Hands a job to the thread.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
        wakeUp.signal()
    }

    private func loop() {
        let executor = asUnownedSerialExecutor()
        while true {
            let (jobs, isStopped) = state.withLock { state in
                let jobs = state.jobs
                state.jobs = []
                return (jobs, state.isStopped)
            }
            for job in jobs { job.runSynchronously(on: executor) }
            if !jobs.isEmpty { continue }
            if isStopped { return }
            wakeUp.wait()
        }
    }
}
