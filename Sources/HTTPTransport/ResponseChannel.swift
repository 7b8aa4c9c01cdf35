import Synchronization

/// Carries a response from the loop thread to its reader, with a bounded buffer in between.
///
/// The loop fills it with ``take(head:)`` and ``take(bytes:)`` and lets waiting readers go once a turn with ``publish()``,
/// so that a small response wakes its reader once.
final class ResponseChannel: Sendable {
    /// Beyond this many unread bytes the transfer pauses.
    ///
    /// libcurl hands over at most 16 KiB at once, so a transfer holds at most that much more.
    static let capacity = 64 << 10

    /// Bytes for the reader, nil at the end; and whether the transfer paused and may go on.
    typealias Chunk = (bytes: [UInt8]?, mayResume: Bool)

    fileprivate struct State {
        var head: ResponseHead?
        var buffer: [UInt8] = []
        var isPaused = false
        var end: Result<Void, any Error>?
        var headReader: CheckedContinuation<ResponseHead, any Error>?
        var bodyReader: CheckedContinuation<Chunk, any Error>?
    }

    private let state = Mutex(State())

    // MARK: - The loop's side

    /// Takes the head.
    func take(head: ResponseHead) {
        state.withLock { $0.head = head }
    }

    /// Takes a part of the body, or refuses because the buffer is full; then a reader's next turn resumes the transfer.
    func take(bytes: UnsafeRawBufferPointer) -> Bool {
        state.withLock { state in
            guard state.buffer.count < Self.capacity else {
                state.isPaused = true
                return false
            }
            state.buffer.append(contentsOf: bytes)
            return true
        }
    }

    /// Lets a reader go if there is something for it.
    /// - Returns: whether the transfer paused and may go on.
    func publish() -> Bool {
        let (delivery, mayResume) = state.withLock { state -> (Delivery?, Bool) in
            let delivery = state.nextDelivery()
            if case .body(_, .success(let chunk)) = delivery { return (delivery, chunk.mayResume) }
            return (delivery, false)
        }
        delivery?.resume()
        return mayResume
    }

    /// Whether nothing more can come.
    var hasEnded: Bool { state.withLock { $0.end != nil } }

    /// Ends the response; what was taken before can still be read.
    func finish(_ result: Result<Void, any Error>) {
        state.withLock { state in
            if state.end == nil { state.end = result }
            return state.nextDelivery()
        }?.resume()
    }

    // MARK: - The reader's side

    /// Breaks the response off: what was not read yet is dropped.
    /// - Returns: false when it had ended before.
    @discardableResult
    func abort(_ error: any Error) -> Bool {
        let (isFirst, delivery) = state.withLock { state in
            let isFirst = state.end == nil
            if isFirst || !state.buffer.isEmpty { state.end = .failure(error) }
            state.buffer = []
            return (isFirst, state.nextDelivery())
        }
        delivery?.resume()
        return isFirst
    }

    /// The head, as soon as it is there.
    func head() async throws -> ResponseHead {
        try await withCheckedThrowingContinuation { continuation in
            state.withLock { state in
                state.headReader = continuation
                return state.nextDelivery()
            }?.resume()
        }
    }

    /// All bytes that arrived since the last turn, waiting for at least one.
    func next() async throws -> Chunk {
        try await withCheckedThrowingContinuation { continuation in
            state.withLock { state in
                precondition(state.bodyReader == nil, "a response body has one reader")
                state.bodyReader = continuation
                return state.nextDelivery()
            }?.resume()
        }
    }

    /// Throws if the response has failed.
    func check() throws {
        if case .failure(let error) = state.withLock({ $0.end }) { throw error }
    }
}

extension ResponseChannel {
    /// A reader and what it gets; resumed outside the lock.
    fileprivate enum Delivery {
        case head(CheckedContinuation<ResponseHead, any Error>, Result<ResponseHead, any Error>)
        case body(CheckedContinuation<Chunk, any Error>, Result<Chunk, any Error>)

        func resume() {
            switch self {
            case .head(let reader, let result): reader.resume(with: result)
            case .body(let reader, let result): reader.resume(with: result)
            }
        }
    }
}

extension ResponseChannel.State {
    /// The waiting reader and what there is for it, if there is something.
    fileprivate mutating func nextDelivery() -> ResponseChannel.Delivery? {
        if let reader = headReader, let result = headResult {
            headReader = nil
            return .head(reader, result)
        }
        if let reader = bodyReader, let result = nextChunk() {
            bodyReader = nil
            return .body(reader, result)
        }
        return nil
    }

    private var headResult: Result<ResponseHead, any Error>? {
        if let head { return .success(head) }
        if case .failure(let error) = end { return .failure(error) }
        return nil
    }

    private mutating func nextChunk() -> Result<ResponseChannel.Chunk, any Error>? {
        guard buffer.isEmpty else {
            let chunk = (bytes: buffer, mayResume: isPaused)
            buffer = []
            isPaused = false
            return .success(chunk)
        }
        return end.map { end in end.map { (bytes: nil, mayResume: false) } }
    }
}
