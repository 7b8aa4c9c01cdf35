import Base
import Synchronization

/// Carries git's output to the task that writes the response: one piece at a time, so that git runs only as fast as the
/// client reads.
final class PieceChannel: Sendable {
    private enum State {
        case idle
        case offered([UInt8], sender: CheckedContinuation<Void, any Error>, since: ContinuousClock.Instant)
        case awaited(reader: CheckedContinuation<[UInt8]?, any Error>)
        case ended((any Error)?)
    }

    private let state = Mutex(State.idle)
    private let idleLimit: Duration

    /// Makes a channel.
    /// - Parameter idleLimit: how long a piece may wait for the reader.
    init(idleLimit: Duration = .seconds(120)) {
        self.idleLimit = idleLimit
    }

    /// Hands a piece over and returns when the reader has it.
    ///
    /// One task sends.
    /// - Throws: `CancellationError`, or what ended the channel.
    func send(_ piece: [UInt8]) async throws {
        guard !piece.isEmpty else { return }
        try await offer(piece)
    }

    /// Ends the channel when a piece waits for too long; runs until cancelled.
    ///
    /// One watch for all pieces instead of a deadline for each: a sleep that is cancelled keeps its memory until its time.
    func watch() async throws {
        while true {
            try await Task.sleep(for: idleLimit / 8)
            let isStalled = state.withLock { state in
                guard case .offered(_, _, let since) = state else { return false }
                return .now - since > idleLimit
            }
            if isStalled { return finish(throwing: Failure("the client took nothing for \(idleLimit)")) }
        }
    }

    /// The next piece; nil at the end.
    ///
    /// One task reads.
    /// - Throws: what ``finish(throwing:)`` was given, or `CancellationError`.
    func next() async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { reader in
                let sender: CheckedContinuation<Void, any Error>? = state.withLock { state in
                    switch state {
                    case .offered(let piece, let sender, _):
                        state = .idle
                        reader.resume(returning: piece)
                        return sender
                    case .ended(let error):
                        reader.resume(with: error.map { .failure($0) } ?? .success(nil))
                    case .idle, .awaited:
                        if Task.isCancelled {
                            reader.resume(throwing: CancellationError())
                        } else {
                            state = .awaited(reader: reader)
                        }
                    }
                    return nil
                }
                sender?.resume()
            }
        } onCancel: {
            finish(throwing: CancellationError())
        }
    }

    /// Ends the channel; the first end counts.
    func finish(throwing error: (any Error)? = nil) {
        state.withLock { state in
            switch state {
            case .ended: return
            case .idle: break
            case .offered(_, let sender, _): sender.resume(throwing: error ?? CancellationError())
            case .awaited(let reader): reader.resume(with: error.map { .failure($0) } ?? .success(nil))
            }
            state = .ended(error)
        }
    }

    private func offer(_ piece: [UInt8]) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (sender: CheckedContinuation<Void, any Error>) in
                state.withLock { state in
                    switch state {
                    case .awaited(let reader):
                        state = .idle
                        reader.resume(returning: piece)
                        sender.resume()
                    case .ended(let error):
                        sender.resume(throwing: error ?? CancellationError())
                    case .idle, .offered:
                        if Task.isCancelled {
                            sender.resume(throwing: CancellationError())
                        } else {
                            state = .offered(piece, sender: sender, since: .now)
                        }
                    }
                }
            }
        } onCancel: {
            finish(throwing: CancellationError())
        }
    }
}
