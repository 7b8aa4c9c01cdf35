import Base
import CFastCGI
import Glibc
import Synchronization

/// Watches descriptors on one thread and raises signals, so that no connection needs a thread to wait.
final class Poller: Sendable {
    /// What happened to a descriptor.
    struct Events: OptionSet, Sendable {
        let rawValue: UInt32

        static let input = Events(rawValue: EPOLLIN.rawValue)
        static let output = Events(rawValue: EPOLLOUT.rawValue)
        static let hangUp = Events(rawValue: EPOLLHUP.rawValue | EPOLLERR.rawValue)
    }

    /// Names a watched descriptor; never used twice, so that an event of a closed descriptor hits nobody else.
    struct Token: Sendable {
        fileprivate let number: UInt64
    }

    private struct State {
        var nextToken: UInt64 = 1
        var handlers: [UInt64: @Sendable (Events) -> Void] = [:]
        var isStopped = false
    }

    private static let stopToken: UInt64 = 0
    private let epoll: Int32
    private let wakeUp: WakeUp
    private let state = Mutex(State())

    /// Starts the thread.
    /// - Throws: ``SystemError`` when the system has no descriptor or thread to give.
    init(name: String) throws {
        wakeUp = try WakeUp()
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw SystemError("open epoll descriptor") }
        try control(EPOLL_CTL_ADD, wakeUp.descriptor, .input, Token(number: Self.stopToken), edge: false)
        try NamedThread.start(name: name, stackSize: 256 << 10) { [self] in loop() }
    }

    deinit {
        close(epoll)
    }

    /// Ends the thread; descriptors still watched are forgotten.
    func stop() {
        state.withLock { $0.isStopped = true }
        wakeUp.signal()
    }

    /// Watches a descriptor for input and hang-up, edge by edge.
    ///
    /// The handler hears at once what there is already, then whenever more arrives. It runs on the poller's thread and must
    /// not block.
    func watch(_ descriptor: Int32, _ handler: @escaping @Sendable (Events) -> Void) throws -> Token {
        let token = state.withLock { state in
            defer { state.nextToken += 1 }
            state.handlers[state.nextToken] = handler
            return Token(number: state.nextToken)
        }
        do {
            try control(EPOLL_CTL_ADD, descriptor, .input, token)
        } catch {
            state.withLock { $0.handlers[token.number] = nil }
            throw error
        }
        return token
    }

    /// Also reports the next moment at which the descriptor takes output.
    func watchOutput(_ descriptor: Int32, _ token: Token) throws {
        try control(EPOLL_CTL_MOD, descriptor, [.input, .output], token)
    }

    /// Goes back to input and hang-up alone.
    func unwatchOutput(_ descriptor: Int32, _ token: Token) throws {
        try control(EPOLL_CTL_MOD, descriptor, .input, token)
    }

    /// Forgets a descriptor; to be called before it is closed.
    func forget(_ descriptor: Int32, _ token: Token) {
        state.withLock { $0.handlers[token.number] = nil }
        _ = cfastcgi_epoll_control(epoll, EPOLL_CTL_DEL, descriptor, 0, 0)
    }

    private func control(
        _ operation: Int32,
        _ descriptor: Int32,
        _ events: Events,
        _ token: Token,
        edge: Bool = true
    ) throws {
        let bits = events.rawValue | (edge ? EPOLLET.rawValue : 0)
        guard cfastcgi_epoll_control(epoll, operation, descriptor, bits, token.number) == 0 else {
            throw SystemError("watch descriptor \(descriptor)")
        }
    }

    private func loop() {
        var events = [UInt32](repeating: 0, count: 64)
        var tokens = [UInt64](repeating: 0, count: 64)
        while !state.withLock({ $0.isStopped }) {
            let count = cfastcgi_epoll_wait(epoll, &events, &tokens, 64)
            for index in 0..<Int(max(count, 0)) where tokens[index] != Self.stopToken {
                let handler = state.withLock { $0.handlers[tokens[index]] }
                handler?(Events(rawValue: events[index]))
            }
        }
    }
}
