import Base
import GRDB
import Synchronization

/// A few read connections; reads beyond their number wait in line.
///
/// SQLite runs on the connections' own queues, off Swift's cooperative pool. A connection that finishes a read takes the
/// next one at once, without going through the caller.
final class ReaderPool: Sendable {
    private struct Read: Sendable {
        let id: UInt64
        let run: @Sendable (Database) -> Void
        let cancel: @Sendable () -> Void
    }

    private struct State {
        var idle: [DatabaseQueue]
        var waiting: [Read] = []
        var nextID: UInt64 = 0
    }

    private let state: Mutex<State>

    init(_ connections: [DatabaseQueue]) {
        state = Mutex(State(idle: connections))
    }

    /// Runs `body` in a deferred transaction on one of the connections.
    /// - Throws: ``StoreError`` for SQLite's errors, `CancellationError`, ``DeadlineExceeded``, and what `body` throws.
    @concurrent func read<Value: Sendable>(
        _ context: ReadContext,
        _ body: @escaping @Sendable (ReadTransaction) throws -> Value
    ) async throws -> Value {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let read = Read(
                    id: id,
                    run: { db in continuation.resume(with: Result { try Self.run(db, context, body) }) },
                    cancel: { continuation.resume(throwing: CancellationError()) }
                )
                submit(read)
            }
        } onCancel: {
            context.cancel()
            withdraw(id)?.cancel()
        }
    }

    /// Puts a read in line, within its own task; a task cancelled before would never be withdrawn.
    private func submit(_ read: Read) {
        let (isCancelled, connection) = state.withLock { state -> (Bool, DatabaseQueue?) in
            if Task.isCancelled { return (true, nil) }
            state.waiting.append(read)
            return (false, state.idle.popLast())
        }
        if isCancelled { read.cancel() }
        guard let connection else { return }
        connection.asyncWriteWithoutTransaction { [self] db in
            while let read = next(orReturn: connection) { read.run(db) }
        }
    }

    private func next(orReturn connection: DatabaseQueue) -> Read? {
        state.withLock { state in
            if state.waiting.isEmpty {
                state.idle.append(connection)
                return nil
            }
            return state.waiting.removeFirst()
        }
    }

    private func withdraw(_ id: UInt64) -> Read? {
        state.withLock { state in
            guard let index = state.waiting.firstIndex(where: { $0.id == id }) else { return nil }
            return state.waiting.remove(at: index)
        }
    }

    private static func run<Value>(
        _ db: Database,
        _ context: ReadContext,
        _ body: (ReadTransaction) throws -> Value
    ) throws -> Value {
        do {
            return try context.watching(db) {
                try db.run("BEGIN DEFERRED")
                let value = try body(ReadTransaction(db: db, context: context))
                try db.run("COMMIT")
                return value
            }
        } catch {
            leave(db)
            throw StoreError.wrapping(error, "read the store")
        }
    }

    /// Ends the transaction of a failed read, unless the failed statement did.
    private static func leave(_ db: Database) {
        guard db.isInsideTransaction else { return }
        // A read has nothing to lose; should the connection be broken, the next read's BEGIN says so.
        try? db.rollback()
    }
}
