import Base
import GRDB
import Glibc
import Logging
import Synchronization

/// Notices commits of other processes: asks SQLite every 100 ms while somebody follows changes, and sleeps otherwise.
///
/// A process that seems to have the store to itself asks once a second only; others announce themselves by the doorbell.
/// `PRAGMA data_version` reads a counter in shared memory: no disk is touched. It runs on a thread of its own.
final class StoreWatcher: Sendable {
    private static let interval: Int32 = 100
    private static let intervalAlone: Int32 = 1_000

    private let connection: DatabaseQueue
    private let signal: ChangeSignal
    private let wakeUp: WakeUp
    private let doorbell: Doorbell
    private let isStopped = Mutex(false)

    init(connection: DatabaseQueue, signal: ChangeSignal, wakeUp: WakeUp, doorbell: Doorbell) {
        self.connection = connection
        self.signal = signal
        self.wakeUp = wakeUp
        self.doorbell = doorbell
    }

    /// Watches until cancelled.
    /// - Throws: `CancellationError`, or ``StoreError`` when there is no thread for it.
    @concurrent func run() async throws {
        try Task.checkCancellation()
        let logger = Logger.current
        isStopped.withLock { $0 = false }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                do {
                    try NamedThread.start(name: "store-watch") { [self] in
                        continuation.resume(with: Result { try loop(logger) })
                    }
                } catch {
                    continuation.resume(throwing: StoreError(.unavailable, "watch the store", cause: error))
                }
            }
        } onCancel: {
            isStopped.withLock { $0 = true }
            wakeUp.signal()
        }
    }

    private func loop(_ logger: Logger) throws {
        var version: Int64 = -1
        while !isStopped.withLock({ $0 }) {
            let hasFollowers = signal.hasFollowers
            if hasFollowers { version = look(last: version, logger) }
            pause(hasFollowers: hasFollowers)
        }
        throw CancellationError()
    }

    /// Waits for a signal; with followers also for the doorbell and no longer than the interval.
    private func pause(hasFollowers: Bool) {
        var waited = [pollfd(fd: wakeUp.descriptor, events: Int16(POLLIN), revents: 0)]
        if hasFollowers { waited.append(pollfd(fd: doorbell.descriptor, events: Int16(POLLIN), revents: 0)) }
        let interval = doorbell.hasNeighbours ? Self.interval : Self.intervalAlone
        guard poll(&waited, nfds_t(waited.count), hasFollowers ? interval : -1) > 0 else { return }
        if waited[0].revents != 0 { wakeUp.wait() }
        doorbell.clear()
    }

    /// Trouble may pass, such as a busy file: then the followers look for themselves, and the watcher tries again.
    private func look(last: Int64, _ logger: Logger) -> Int64 {
        do {
            return try connection.inDatabase { db in
                let version = try db.firstRow("PRAGMA data_version")?.integer("data_version") ?? 0
                if version != last { try signal.publishForeign(db) }
                return version
            }
        } catch {
            logger.warning("cannot watch the store", error: StoreError.wrapping(error, "watch \(connection.path)"))
            signal.publish(0, nil)
            return -1
        }
    }
}

extension ChangeSignal {
    private static let mostForeignRows = 1000

    /// Publishes what was committed since the last publication, by whichever process.
    func publishForeign(_ db: Database) throws {
        let from = published
        let meta = try Meta.read(db)
        guard meta.revision > from else { return }
        let rows = try db.rows(
            "SELECT scope, key FROM feed WHERE revision > ? AND revision <= ? LIMIT \(Self.mostForeignRows)",
            [.integer(from), .integer(meta.revision)]
        )
        let isWhole = rows.count < Self.mostForeignRows && meta.feedFloor <= from
        let keys = try rows.compactMap { ChangedKey(scope: try $0.text("scope"), key: try $0.text("key")) }
        publish(meta.revision, isWhole ? keys : nil)
    }
}
