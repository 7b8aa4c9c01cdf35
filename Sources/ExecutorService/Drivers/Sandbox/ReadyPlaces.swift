import Synchronization

/// Places that wait for a task, and tasks that wait for a place.
final class ReadyPlaces: Sendable {
    private struct State {
        var places: [SandboxPlace] = []
        var waiting: [(id: Int, continuation: CheckedContinuation<SandboxPlace?, Never>)] = []
        var nextID = 0
    }

    private let state = Mutex(State())

    /// Gives a place to the task that has waited longest, or keeps it ready.
    func offer(_ place: SandboxPlace) {
        let continuation = state.withLock { state in
            if state.waiting.isEmpty {
                state.places.append(place)
                return CheckedContinuation<SandboxPlace?, Never>?.none
            }
            return state.waiting.removeFirst().continuation
        }
        continuation?.resume(returning: place)
    }

    /// A ready place, or the next one that is.
    /// - Throws: `CancellationError`.
    func take() async throws -> SandboxPlace {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let place = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready: SandboxPlace?? = state.withLock { state in
                    if Task.isCancelled { return .some(nil) }
                    if !state.places.isEmpty { return state.places.removeFirst() }
                    state.waiting.append((id, continuation))
                    return nil
                }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0).continuation }
            }
            continuation?.resume(returning: nil)
        }
        guard let place else { throw CancellationError() }
        return place
    }
}
