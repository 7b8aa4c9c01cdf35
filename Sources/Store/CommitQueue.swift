import Base
import GRDB
import Synchronization

/// The writer of a store: collects what callers want to write, applies it in groups and syncs once per group.
///
/// Every job of a group has a savepoint of its own, so one job's refusal does not touch the others, and every caller gets
/// its own result after the common sync.
final class CommitQueue: Sendable {
    private struct Job: Sendable {
        let id: UInt64
        /// Applies the job; the result tells the caller about it once the group is committed.
        let apply: @Sendable (WriteTransaction) throws -> @Sendable () -> Void
        let fail: @Sendable (any Error) -> Void
    }

    private struct State {
        var waiting: [Job] = []
        var isDraining = false
        var nextID: UInt64 = 0
    }

    private let writer: DatabaseQueue
    private let projections: ProjectionSet
    private let options: StoreOptions
    private let clock: BootClock
    private let publish: @Sendable (Database, WriteTransaction, Revision) -> Void
    private let state = Mutex(State())

    /// Makes a queue; `publish` is called on the writer's queue after a group is committed, with the revision before it.
    init(
        writer: DatabaseQueue,
        projections: ProjectionSet,
        options: StoreOptions,
        clock: BootClock,
        publish: @escaping @Sendable (Database, WriteTransaction, Revision) -> Void
    ) {
        self.writer = writer
        self.projections = projections
        self.options = options
        self.clock = clock
        self.publish = publish
    }

    /// Runs `work` in the next group and returns its result once that is on stable storage.
    /// - Throws: what `work` throws, ``StoreError``, or `CancellationError` when the caller left before the group began.
    @concurrent func run<Value: Sendable>(
        isCancellable: Bool = true,
        _ work: @escaping @Sendable (WriteTransaction) throws -> Value
    ) async throws -> Value {
        if isCancellable { try Task.checkCancellation() }
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                submit(
                    isCancellable: isCancellable,
                    Job(
                        id: id,
                        apply: { transaction in
                            let value = try work(transaction)
                            return { continuation.resume(returning: value) }
                        },
                        fail: { continuation.resume(throwing: $0) }
                    )
                )
            }
        } onCancel: {
            if isCancellable { withdraw(id)?.fail(CancellationError()) }
        }
    }

    /// Puts a job in line, within its caller's task; one cancelled before would never be withdrawn.
    private func submit(isCancellable: Bool, _ job: Job) {
        let (isCancelled, mustStart) = state.withLock { state in
            if isCancellable, Task.isCancelled { return (true, false) }
            state.waiting.append(job)
            defer { state.isDraining = true }
            return (false, !state.isDraining)
        }
        if isCancelled { job.fail(CancellationError()) }
        guard mustStart else { return }
        writer.asyncWriteWithoutTransaction { [self] db in
            while let jobs = nextGroup() { commit(jobs, db) }
        }
    }

    private func nextGroup() -> [Job]? {
        state.withLock { state in
            if state.waiting.isEmpty {
                state.isDraining = false
                return nil
            }
            let jobs = Array(state.waiting.prefix(options.groupLimit))
            state.waiting.removeFirst(jobs.count)
            return jobs
        }
    }

    private func withdraw(_ id: UInt64) -> Job? {
        state.withLock { state in
            guard let index = state.waiting.firstIndex(where: { $0.id == id }) else { return nil }
            return state.waiting.remove(at: index)
        }
    }
}

// MARK: - Groups

extension CommitQueue {
    private struct Applied {
        let job: Job
        let answer: @Sendable () -> Void
    }

    private func commit(_ jobs: [Job], _ db: Database) {
        var open = jobs[...]
        var applied: [Applied] = []
        do {
            try pass(.storeCommitBegin)
            try db.run("BEGIN IMMEDIATE")
            let transaction = try WriteTransaction(db, projections: projections, options: options, clock: clock)
            let before = transaction.meta.revision
            while let job = open.first {
                let answer = try apply(job, transaction, isAlone: jobs.count == 1)
                open.removeFirst()
                if let answer { applied.append(Applied(job: job, answer: answer)) }
            }
            try pass(.storeCommitApplied)
            try end(transaction)
            if transaction.isDirty { publish(db, transaction, before) }
            FailPoint.storeCommitAnswer.reach()
            for entry in applied { entry.answer() }
        } catch {
            let error = abandon(db, error)
            for job in applied.map(\.job) + open { job.fail(error) }
        }
    }

    /// Applies one job, or fails it alone and returns nil; throws only when the whole transaction is lost.
    private func apply(
        _ job: Job,
        _ transaction: WriteTransaction,
        isAlone: Bool
    ) throws -> (@Sendable () -> Void)? {
        let db = transaction.db
        let mark = transaction.mark()
        if !isAlone { try db.run("SAVEPOINT job") }
        do {
            let answer = try job.apply(transaction)
            if !isAlone { try db.run("RELEASE job") }
            return answer
        } catch {
            let error = StoreError.wrapping(error, "apply a batch")
            guard db.isInsideTransaction else { throw error }
            if !isAlone {
                try db.run("ROLLBACK TO job")
                try db.run("RELEASE job")
            }
            transaction.restore(mark)
            job.fail(error)
            return nil
        }
    }

    private func end(_ transaction: WriteTransaction) throws {
        let db = transaction.db
        guard transaction.isDirty else { return try db.run("ROLLBACK") }
        try transaction.finish()
        do {
            try FailPoint.storeCommitDecide.pass()
            try db.run("COMMIT")
        } catch {
            // Frames of a failed sync may be on the disk or not; every other failure left nothing there.
            let isUnclear = (error as? DatabaseError)?.resultCode == .SQLITE_IOERR
            throw StoreError(
                isUnclear ? .outcomeUnknown : .unavailable,
                "commit to \(writer.path)",
                cause: StoreError.wrapping(error, "commit")
            )
        }
        FailPoint.storeCommitDecided.reach()
    }

    /// Fails as SQLite does when it cannot write.
    private func pass(_ point: FailPoint) throws {
        do { try point.pass() } catch { throw StoreError(.unavailable, "write to \(writer.path)", cause: error) }
    }

    /// Leaves the transaction after a failure that concerns all its jobs.
    private func abandon(_ db: Database, _ error: any Error) -> any Error {
        let error = StoreError.wrapping(error, "write to \(writer.path)")
        guard db.isInsideTransaction else { return error }
        do { try db.rollback() } catch let second {
            return StoreError(.unavailable, "roll back after \(error)", cause: second is DatabaseError ? nil : second)
        }
        return error
    }
}
