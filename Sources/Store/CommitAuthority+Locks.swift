import Base

extension CommitAuthority {
    /// Runs `body` while holding a lock that is renewed every third of its time.
    ///
    /// When the lock is lost, `body` is cancelled; it adds `.fence(handle)` to its batches, which are then refused.
    /// - Throws: ``StoreError`` of kind locked (held, and `wait` is false) or conflict (lost), and what `body` throws.
    @concurrent package func withLock<Value: Sendable>(
        _ name: String,
        ttl: Duration = .seconds(15),
        wait: Bool = true,
        _ body: @escaping @Sendable (LockHandle) async throws -> Value
    ) async throws -> Value {
        let handle = try await acquire(lock: name, ttl: ttl, wait: wait)
        let result: Result<Value, any Error>
        do {
            result = .success(
                try await withThrowingTaskGroup(of: Value?.self) { group in
                    group.addTask { try await body(handle) }
                    group.addTask {
                        while true {
                            try await Task.sleep(for: ttl / 3)
                            try await renew(handle, ttl: ttl)
                        }
                    }
                    defer { group.cancelAll() }
                    guard let first = try await group.next(), let value = first else { throw CancellationError() }
                    return value
                }
            )
        } catch {
            result = .failure(error)
        }
        try await release(handle)
        return try result.get()
    }
}
