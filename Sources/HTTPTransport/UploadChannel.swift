import Base
import Synchronization

/// Carries a request body from its producer to the loop thread, with a bounded buffer in between.
final class UploadChannel: Sendable {
    /// The producer waits when so many bytes are not sent yet.
    static let capacity = 64 << 10

    /// What the loop finds.
    enum Supply {
        case bytes(Int)
        case notYet
        case end
    }

    private struct State {
        var buffer: [UInt8] = []
        var sent = 0
        var missing: Int?
        var isComplete = false
        var isClosed = false
        var isPaused = false
        var producer: CheckedContinuation<Void, Never>?
        var observer: CheckedContinuation<Void, Never>?

        var unsent: Int { buffer.count - sent }

        mutating func takePause() -> Bool {
            defer { isPaused = false }
            return isPaused
        }

        mutating func takeObserver() -> CheckedContinuation<Void, Never>? {
            defer { observer = nil }
            return observer
        }

        mutating func takeProducer() -> CheckedContinuation<Void, Never>? {
            defer { producer = nil }
            return producer
        }
    }

    private let state: Mutex<State>

    /// - Parameter length: how many bytes there will be, nil when nobody knows.
    init(length: Int?) {
        state = Mutex(State(missing: length))
    }

    // MARK: - The loop's side

    /// Fills `space` with the next bytes.
    func read(into space: UnsafeMutableRawBufferPointer) -> Supply {
        let (supply, producer) = state.withLock { state -> (Supply, CheckedContinuation<Void, Never>?) in
            let count = min(space.count, state.unsent)
            guard count > 0 else {
                if state.isComplete { return (.end, nil) }
                state.isPaused = true
                return (.notYet, nil)
            }
            space.copyBytes(from: state.buffer[state.sent..<state.sent + count])
            state.sent += count
            return (.bytes(count), state.unsent < Self.capacity ? state.takeProducer() : nil)
        }
        producer?.resume()
        return supply
    }

    /// Takes no more: the server has answered already, or the transfer is over.
    func close() {
        let (producer, observer) = state.withLock { state in
            state.isClosed = true
            state.buffer = []
            state.sent = 0
            return (state.takeProducer(), state.takeObserver())
        }
        producer?.resume()
        observer?.resume()
    }

    /// Whether nothing more is taken.
    var isClosed: Bool { state.withLock(\.isClosed) }

    /// Returns when nothing more is taken or nothing more will come; one caller at a time.
    func waitForEnd() async {
        await withCheckedContinuation { continuation in
            let mustWait = state.withLock { state in
                guard !state.isClosed, !state.isComplete else { return false }
                state.observer = continuation
                return true
            }
            if !mustWait { continuation.resume() }
        }
    }

    // MARK: - The producer's side

    /// Waits for room.
    /// - Returns: false when nothing more is wanted.
    func waitForRoom() async -> Bool {
        await withCheckedContinuation { continuation in
            let mustWait = state.withLock { state in
                guard !state.isClosed, state.unsent >= Self.capacity else { return false }
                state.producer = continuation
                return true
            }
            if !mustWait { continuation.resume() }
        }
        return state.withLock { !$0.isClosed }
    }

    /// Adds bytes.
    /// - Returns: whether the transfer paused and may go on.
    /// - Throws: ``Base/Failure`` when there are more bytes than were announced.
    func append(_ bytes: [UInt8]) throws -> Bool {
        try state.withLock { state in
            if let missing = state.missing {
                guard bytes.count <= missing else { throw Failure("the body is longer than announced") }
                state.missing = missing - bytes.count
            }
            guard !state.isClosed, !bytes.isEmpty else { return false }
            if state.unsent == 0 {
                state.buffer = bytes
            } else {
                state.buffer.removeFirst(state.sent)
                state.buffer += bytes
            }
            state.sent = 0
            return state.takePause()
        }
    }

    /// Says that the last byte was added.
    /// - Returns: whether the transfer paused and may go on.
    /// - Throws: ``Base/Failure`` when there were fewer bytes than were announced.
    func complete() throws -> Bool {
        let (isPaused, observer) = try state.withLock { state in
            if let missing = state.missing, missing > 0 { throw Failure("the body is \(missing) bytes short") }
            state.isComplete = true
            return (state.takePause(), state.takeObserver())
        }
        observer?.resume()
        return isPaused
    }
}
