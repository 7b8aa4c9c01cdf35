import Base
import GRDB
import Glibc
import Synchronization

/// Notices commits of other processes: asks SQLite every 100 ms while somebody follows changes, and sleeps otherwise.
///
/// `PRAGMA data_version` reads a counter in shared memory: no disk is touched. It runs on a thread of its own.
final class StoreWatcher: Sendable {
    private static let interval: Int32 = 100

    private let connection: DatabaseQueue
    private let signal: ChangeSignal
    private let wakeUp: WakeUp
    private let isStopped = Mutex(false)

    init(connection: DatabaseQueue, signal: ChangeSignal, wakeUp: WakeUp) {
        self.connection = connection
        self.signal = signal
        self.wakeUp = wakeUp
    }

    /// Watches until cancelled.
    /// - Throws: `CancellationError`, ``StoreError``, ``SystemError``.
    @concurrent func run() async throws {
        try Task.checkCancellation()
        isStopped.withLock { $0 = false }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                do {
                    try NamedThread.start(name: "store-watch") { [self] in
                        continuation.resume(with: Result { try loop() })
                    }
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        } onCancel: {
            isStopped.withLock { $0 = true }
            wakeUp.signal()
        }
    }

    private func loop() throws {
        var version: Int64 = -1
        while true {
            if isStopped.withLock({ $0 }) { throw CancellationError() }
            if signal.hasSubscribers {
                version = try look(last: version)
                try pause(Self.interval)
            } else {
                try pause(-1)
            }
        }
    }

    /// Waits until the interval has passed or somebody signals.
    private func pause(_ milliseconds: Int32) throws {
        var waited = pollfd(fd: wakeUp.descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&waited, 1, milliseconds) > 0 else { return }
        wakeUp.wait()
    }

    private func look(last: Int64) throws -> Int64 {
        do {
            return try connection.inDatabase { db in
                let version = try db.firstRow("PRAGMA data_version")?.integer("data_version") ?? 0
                if version != last { try signal.publishForeign(db) }
                return version
            }
        } catch {
            throw StoreError.wrapping(error, "watch \(connection.path)")
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
