import Base
import GRDB
import GRDBSQLite
import Logging
import Synchronization

/// What a read carries: who asks, until when, and whether they still want the answer.
final class ReadContext: Sendable {
    /// Steps of SQLite's virtual machine between two looks at the context: well under a millisecond.
    private static let stepsBetweenLooks: Int32 = 2_000

    let logger: Logger
    let deadline: Deadline?
    private let cancelled = Atomic(false)

    init(logger: Logger, deadline: Deadline?) {
        self.logger = logger
        self.deadline = deadline
    }

    /// Ends the running statement soon, and refuses later ones.
    func cancel() {
        cancelled.store(true, ordering: .relaxed)
    }

    /// Throws when the result is no longer wanted.
    func check() throws {
        if cancelled.load(ordering: .relaxed) { throw CancellationError() }
        if let deadline, deadline.isPast { throw DeadlineExceeded() }
    }

    private var isOver: Bool { cancelled.load(ordering: .relaxed) || deadline?.isPast == true }

    /// Runs `body` while SQLite asks the context now and then whether to go on.
    ///
    /// `sqlite3_interrupt` would not do: it ends only what runs at that moment, and misses the statement about to begin.
    func watching<Value>(_ db: Database, _ body: () throws -> Value) throws -> Value {
        let connection = db.sqliteConnection
        let context = Unmanaged.passUnretained(self).toOpaque()
        sqlite3_progress_handler(connection, Self.stepsBetweenLooks, askContext, context)
        defer { sqlite3_progress_handler(connection, 0, nil, nil) }
        do {
            try check()
            return try body()
        } catch let error as DatabaseError where error.resultCode == .SQLITE_INTERRUPT {
            try check()
            throw error
        }
    }

    fileprivate static func isOver(_ context: UnsafeMutableRawPointer?) -> Bool {
        guard let context else { return false }
        return Unmanaged<ReadContext>.fromOpaque(context).takeUnretainedValue().isOver
    }
}

/// SQLite ends the statement when the answer is not zero.
private func askContext(_ context: UnsafeMutableRawPointer?) -> Int32 {
    ReadContext.isOver(context) ? 1 : 0
}
