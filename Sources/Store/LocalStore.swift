package import Base
import GRDB
import Logging

/// The service's own SQLite file: everything is read here, on every profile.
///
/// Contract:
/// - A read sees one consistent state and never waits for writers. What a commit changed is visible to reads that begin
///   after ``waitApplied(_:timeout:)`` returned for its revision; on the embedded profile at once.
/// - Reads run on a few connections of their own threads. A read ends early with its task or at its deadline.
/// - Changes and events are level-triggered: a follower learns that something changed and reads it again. It never misses
///   the last state, but several commits may arrive as one. Wake-ups come at once within a process, and within 100 ms from
///   other processes while ``run()`` is running.
/// - Several processes of one host may open one store; other hosts may not.
///
/// Errors are ``StoreError`` by kind, `CancellationError`, ``DeadlineExceeded``, and what the given closures throw.
package final class LocalStore: Sendable {
    /// The directory of the store.
    package let directory: String

    /// Holds exports and imports on their way.
    var spoolDirectory: String { "\(directory)/spool" }

    let clock: BootClock
    let signal: ChangeSignal
    private let readers: ReaderPool
    private let watcher: StoreWatcher
    private let inUse: InUseMark

    init(
        directory: String,
        clock: BootClock,
        signal: ChangeSignal,
        readers: ReaderPool,
        watcher: StoreWatcher,
        inUse: InUseMark
    ) {
        self.directory = directory
        self.clock = clock
        self.signal = signal
        self.readers = readers
        self.watcher = watcher
        self.inUse = inUse
    }

    /// Runs `body` on a consistent view of the store.
    ///
    /// The body runs on a thread of the store's and must not wait for anything but its statements. Without a deadline the
    /// caller's cancellation ends the read.
    @concurrent package func read<Value: Sendable>(
        deadline: Deadline? = nil,
        _ body: @escaping @Sendable (ReadTransaction) throws -> Value
    ) async throws -> Value {
        let context = ReadContext(logger: Logger.current, deadline: deadline)
        guard let deadline else { return try await readers.read(context, body) }
        return try await withDeadline(deadline) { [readers] in try await readers.read(context, body) }
    }

    /// Events of a stream in order, those that exist now.
    /// - Throws: ``StoreError`` of kind compacted when events after `sequence` are no longer kept.
    @concurrent package func events(
        of stream: String,
        after sequence: Int64,
        limit: Int = 500
    ) async throws -> [StoredEvent] {
        try await read { try $0.events(of: stream, after: sequence, limit: limit) }
    }

    /// Events of a stream in order, without end: waits for new ones.
    ///
    /// The sequence throws ``StoreError`` of kind compacted when the reader fell behind what is kept.
    package func eventsFollowing(stream: String, after sequence: Int64) -> FollowedEvents {
        FollowedEvents(store: self, stream: stream, after: sequence)
    }

    /// What changed after `revision` in any of `scopes`, without end: waits for new changes.
    ///
    /// Each element covers one or more whole commits; elements are bounded in size. Consumers read the values themselves,
    /// and resume after ``StoreChange/revision``. The sequence throws ``StoreError`` of kind compacted when the feed no
    /// longer reaches back to `revision`: then read everything again.
    package func changes(after revision: Revision, scopes: [Scope]) -> ChangeFeed {
        ChangeFeed(store: self, scopes: scopes, after: revision)
    }

    /// Returns when reads show the commit of `revision`.
    /// - Throws: ``StoreError`` of kind timedOut.
    @concurrent package func waitApplied(_ revision: Revision, timeout: Duration) async throws {
        if signal.published >= revision { return }
        let subscription = signal.subscribe([])
        do {
            try await withDeadline(.after(timeout)) { [self] in
                var count = subscription.bell.count
                while try await read({ try $0.revision }) < revision {
                    try await subscription.bell.wait(beyond: count)
                    count = subscription.bell.count
                }
            }
        } catch is DeadlineExceeded {
            throw StoreError(.timedOut, "revision \(revision) was not reached within \(timeout)")
        }
    }

    /// Watches for commits of other processes until cancelled; the daemon hosts it.
    @concurrent package func run() async throws {
        try await watcher.run()
    }
}
