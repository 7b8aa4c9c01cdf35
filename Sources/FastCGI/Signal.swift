import Synchronization

/// Tells one waiting task that something happened; a signal that nobody waits for is kept until somebody does.
final class Signal: Sendable {
    private enum State {
        case idle
        case raised
        case waiting(CheckedContinuation<Void, Never>)
    }

    private let state = Mutex(State.idle)

    /// Resumes the waiting task, or lets the next wait return at once.
    func raise() {
        let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard case .waiting(let continuation) = state else {
                state = .raised
                return nil
            }
            state = .idle
            return continuation
        }
        waiting?.resume()
    }

    /// Returns when the signal is raised, or was since the last wait, or when the task is cancelled.
    ///
    /// Callers look again at what they wait for: a wait may end early. A second waiting task sends the first one to look.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let resumed = state.withLock { state -> CheckedContinuation<Void, Never>? in
                    switch state {
                    case .idle:
                        state = .waiting(continuation)
                        return nil
                    case .raised:
                        state = .idle
                        return continuation
                    case .waiting(let earlier):
                        state = .waiting(continuation)
                        return earlier
                    }
                }
                resumed?.resume()
            }
        } onCancel: {
            raise()
        }
    }
}
