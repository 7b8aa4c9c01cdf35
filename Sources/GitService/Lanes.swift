import Synchronization

/// Lets one caller at a time do something to a thing, in the order of their asking; different things do not wait for each
/// other.
final class Lanes<Key: Hashable & Sendable>: Sendable {
    private struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        // A key that is present is taken, by somebody who is not in the list.
        var lanes: [Key: [Waiter]] = [:]
        var lastID: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Runs `body` while nobody else runs on `key`.
    /// - Throws: what `body` throws, and `CancellationError` when the task is cancelled while it waits.
    func withLane<Value>(
        _ key: Key,
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Value
    ) async throws -> Value {
        try await enter(key)
        defer { leave(key) }
        return try await body()
    }

    private func enter(_ key: Key) async throws {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let mayEnter: Bool? = state.withLock { state in
                    guard !Task.isCancelled else { return nil }
                    guard state.lanes[key] == nil else {
                        state.lanes[key]?.append(Waiter(id: id, continuation: continuation))
                        return false
                    }
                    state.lanes[key] = []
                    return true
                }
                switch mayEnter {
                case true?: continuation.resume()
                case false?: break
                case nil: continuation.resume(throwing: CancellationError())
                }
            }
        } onCancel: {
            withdraw(id, from: key)
        }
    }

    private func withdraw(_ id: UInt64, from key: Key) {
        let waiter: Waiter? = state.withLock { state in
            guard let index = state.lanes[key]?.firstIndex(where: { $0.id == id }) else { return nil }
            return state.lanes[key]?.remove(at: index)
        }
        waiter?.continuation.resume(throwing: CancellationError())
    }

    private func leave(_ key: Key) {
        let next: Waiter? = state.withLock { state in
            guard state.lanes[key]?.isEmpty == false else {
                state.lanes[key] = nil
                return nil
            }
            return state.lanes[key]?.removeFirst()
        }
        next?.continuation.resume()
    }
}
