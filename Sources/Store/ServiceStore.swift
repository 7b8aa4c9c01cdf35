package import Base

/// A service's storage: where it reads and who decides its commits; the same on every profile.
package struct ServiceStore: Sendable {
    /// Where everything is read.
    package let store: LocalStore
    /// Who decides commits.
    package let authority: any CommitAuthority

    private let housekeeping: @Sendable () async throws -> Void

    init(store: LocalStore, authority: any CommitAuthority, housekeeping: @escaping @Sendable () async throws -> Void) {
        self.store = store
        self.authority = authority
        self.housekeeping = housekeeping
    }

    /// Reads; see ``LocalStore/read(deadline:_:)``.
    @concurrent package func read<Value: Sendable>(
        deadline: Deadline? = nil,
        _ body: @escaping @Sendable (ReadTransaction) throws -> Value
    ) async throws -> Value {
        try await store.read(deadline: deadline, body)
    }

    /// Commits; see ``CommitAuthority/commit(_:)``.
    @concurrent package func commit(_ batch: Batch) async throws -> Committed {
        try await authority.commit(batch)
    }

    /// Reads, decides and commits, again from the start when somebody else was faster.
    ///
    /// The closure builds the batch from what it reads, without side effects; what it throws is thrown. The batch must
    /// expect what the closure relied on: the read values' revisions, or the token of their change groups.
    /// - Throws: ``APIError`` badRequest with code `concurrent-update` after the last attempt.
    @concurrent package func update(
        maxAttempts: Int = 5,
        _ body: @escaping @Sendable (ReadTransaction) throws -> Batch
    ) async throws -> Committed {
        var attempt = 1
        while true {
            let batch = try await store.read(body)
            do {
                return try await authority.commit(batch)
            } catch let error as StoreError where error.kind == .conflict {
                guard attempt < maxAttempts else {
                    let message = "Somebody else changed the same thing at the same time. Try again."
                    throw APIError(.badRequest, code: "concurrent-update", message, cause: error)
                }
            }
            try await Task.sleep(for: .microseconds(Int.random(in: 0...(2000 << attempt))))
            try await store.waitApplied(authority.currentRevision(), timeout: .seconds(5))
            attempt += 1
        }
    }

    /// Watches other processes and ends expired leases until cancelled; the daemon hosts it.
    @concurrent package func run() async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { try await store.run() }
            group.addTask { try await housekeeping() }
            try await group.waitForAll()
        }
    }
}
