import Base
import Foundation
import Store

/// Holds a lock and a lease, commits under both all the time, and reports each commit with the wall clock's time.
struct ClockWatcher: Sendable {
    let store: ServiceStore
    let report: Report

    func run(ttl: Duration) async throws {
        let lease = try await store.authority.grantLease(ttl: ttl)
        try await withThrowingTaskGroup { group in
            group.addTask { try await store.run() }
            group.addTask {
                try await store.authority.withLock("watch", ttl: ttl) { handle in try await beat(handle, lease) }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    private func beat(_ handle: LockHandle, _ lease: LeaseHandle) async throws {
        // Whoever started it may have died.
        for number in 1...100_000 {
            var batch = Batch()
            batch.expect(.fence(handle))
            batch.put(live: "watch/\(number % 10)", Data("\(number)".utf8), lease: lease)
            batch.append(event: Data("\(number)".utf8), to: "watch")
            let committed = try await store.commit(batch)
            report.write("beat \(committed.revision) \(Int(Date().timeIntervalSince1970))")
            // A timer would be set by the clock that is played with.
            _ = try await BlockingPool.shared.run { usleep(5_000) }
        }
    }
}
