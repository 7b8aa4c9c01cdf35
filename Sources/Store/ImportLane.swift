import Synchronization

/// The check of a stream's records in two steps: each is read by itself, several at once, and later looked at in its order.
protocol ImportLane: Sendable {
    /// Reads records.
    /// - Returns: for each of them what looks at it in its order, and throws what is wrong with it.
    @concurrent func read(_ records: [ImportedRecord]) async throws -> [@Sendable () throws -> Void]
    /// Refuses what only all of the records show.
    /// - Returns: what the user should know.
    func finish() throws -> [String]
}

/// The lane of one kind of check.
final class CheckLane<Check: RecordCheck>: ImportLane {
    private let check: Mutex<Check>

    init(_ check: Check) {
        self.check = Mutex(check)
    }

    @concurrent func read(_ records: [ImportedRecord]) async throws -> [@Sendable () throws -> Void] {
        try await ConcurrentMap.map(records, read)
    }

    func finish() throws -> [String] {
        try check.withLock { try $0.finish() }
    }

    private func read(_ record: ImportedRecord) -> @Sendable () throws -> Void {
        do {
            let content = try Check.read(record)
            return { [self] in try check.withLock { try $0.check(record, content) } }
        } catch {
            return { throw error }
        }
    }
}
