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
        let run: @Sendable (Database, DatabaseQueue) -> Void
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
                    run: { db, queue in
                        continuation.resume(with: Result { try Self.run(db, queue, context, body) })
                    },
                    cancel: { continuation.resume(throwing: CancellationError()) }
                )
                submit(read)
            }
        } onCancel: {
            context.cancel()
            withdraw(id)?.cancel()
        }
    }

    private func submit(_ read: Read) {
        let connection = state.withLock { state in
            state.waiting.append(read)
            return state.idle.popLast()
        }
        guard let connection else { return }
        connection.asyncWriteWithoutTransaction { [self] db in
            while let read = next(orReturn: connection) { read.run(db, connection) }
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
        _ connection: DatabaseQueue,
        _ context: ReadContext,
        _ body: (ReadTransaction) throws -> Value
    ) throws -> Value {
        try context.begin { [weak connection] in connection?.interrupt() }
        defer { context.end() }
        do {
            try db.run("BEGIN DEFERRED")
            let value = try body(ReadTransaction(db: db, context: context))
            try db.run("COMMIT")
            return value
        } catch {
            let isCancelled = context.isCancelled
            leave(db)
            if isCancelled { throw CancellationError() }
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
