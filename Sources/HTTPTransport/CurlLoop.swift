import Base
import Synchronization

/// The way to the loop thread: a queue of commands, and a bell for when the thread sleeps.
final class CurlLoop: Sendable {
    enum Command: Sendable {
        /// Begins a transfer.
        case start(CurlTransfer)
        /// Forgets a transfer whose channels have ended already.
        case end(CurlTransfer)
        /// The reader has made room.
        case resumeReceiving(CurlTransfer)
        /// The producer has made bytes.
        case resumeSending(CurlTransfer)
    }

    private struct State {
        var commands: [Command] = []
        var isAsleep = false
        var isStopping = false
        var isOver = false
    }

    private let state = Mutex(State())
    private let bell: WakeUp
    private let runningCount = Atomic(0)

    /// Starts the thread.
    /// - Throws: ``Base/SystemError`` when the system has no thread or descriptor to give.
    init(_ configuration: HTTPClientConfiguration) throws {
        bell = try WakeUp()
        try NamedThread.start(name: "http-client") { [self] in CurlThread.run(configuration, serving: self) }
    }

    /// How many transfers the thread holds.
    var transferCount: Int { runningCount.load(ordering: .relaxed) }

    /// Whether the thread has ended.
    var isOver: Bool { state.withLock { $0.isOver } }

    /// Hands a command to the thread.
    /// - Returns: false when the thread takes no more; it ends the transfers that it has by itself.
    @discardableResult
    func post(_ command: Command) -> Bool {
        let (isAccepted, mustRing) = state.withLock { state in
            guard !state.isStopping else { return (false, false) }
            state.commands.append(command)
            defer { state.isAsleep = false }
            return (true, state.isAsleep)
        }
        if mustRing { bell.signal() }
        return isAccepted
    }

    /// Ends the thread and, with an error, all transfers.
    func stop() {
        state.withLock { $0.isStopping = true }
        bell.signal()
    }

    // MARK: - The thread's side

    /// The descriptor to poll while asleep.
    var bellDescriptor: Int32 { bell.descriptor }

    /// Takes all commands, in order, and whether the thread is to end.
    func takeCommands() -> (commands: [Command], isStopping: Bool) {
        state.withLock { state in
            defer { state.commands = [] }
            state.isAsleep = false
            return (state.commands, state.isStopping)
        }
    }

    /// Announces that the thread is about to sleep.
    /// - Returns: false when there is something to do.
    func fallAsleep() -> Bool {
        state.withLock { state in
            state.isAsleep = state.commands.isEmpty && !state.isStopping
            return state.isAsleep
        }
    }

    /// Silences the bell after it rang.
    func silenceBell() {
        bell.wait()
    }

    /// Publishes how many transfers the thread holds.
    func report(transferCount count: Int) {
        runningCount.store(count, ordering: .relaxed)
    }

    /// The thread's last word.
    func finish() {
        state.withLock { $0.isOver = true }
    }
}
