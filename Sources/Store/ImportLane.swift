import Base
import FoundationEssentials
import Synchronization

/// The check of a stream's records in two steps: each is read by itself, several at once, and later looked at in its order.
protocol ImportLane: Sendable {
    /// Reads records.
    /// - Returns: for each of them what looks at it in its order, and throws what is wrong with it.
    @concurrent func read(_ records: [ImportedRecord]) async -> [@Sendable () throws -> Void]
    /// Refuses what only all of the records show.
    /// - Returns: what the user should know.
    func finish() throws -> [String]
}

/// The lane of one kind of check.
final class CheckLane<Check: RecordCheck>: ImportLane {
    /// So few records are read before another task could begin.
    private static var fewest: Int { 16 }

    private let check: Mutex<Check>
    private let width = ProcessInfo.processInfo.activeProcessorCount

    init(_ check: Check) {
        self.check = Mutex(check)
    }

    @concurrent func read(_ records: [ImportedRecord]) async -> [@Sendable () throws -> Void] {
        let share = max(Self.fewest, (records.count + width - 1) / width)
        return await withTaskGroup(of: (Int, [@Sendable () throws -> Void]).self) { group in
            for start in stride(from: 0, to: records.count, by: share) {
                let part = records[start..<min(start + share, records.count)]
                group.addTask { [self] in (start, part.map(read)) }
            }
            let parts = await group.reduce(into: []) { $0.append($1) }
            return parts.sorted { $0.0 < $1.0 }.flatMap(\.1)
        }
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
