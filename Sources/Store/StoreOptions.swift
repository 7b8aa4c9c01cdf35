package import FoundationEssentials

/// How a store is kept; the defaults suit every service.
package struct StoreOptions: Sendable {
    /// Events kept per stream in any case; older ones are trimmed while new ones are appended, once they are old enough.
    package var eventsKept: Int64 = 20_000
    /// How long events are kept in any case: a consumer that was away for less misses none.
    package var eventAge: Duration = .seconds(7 * 24 * 3600)
    /// Tells the age of events; nothing else depends on it, as it may jump.
    package var wallClock: @Sendable () -> Date = { Date() }
    /// Whether a store is made where there is none.
    package var createsStore = true
    /// Commits whose changes the feed keeps.
    package var revisionsKept: Int64 = 20_000
    /// Commits for which touched change groups are remembered: how old a token may get.
    package var groupRevisionsKept: Int64 = 20_000
    /// Connections for reading.
    package var readers = 4
    /// How long a commit waits for other processes.
    package var busyTimeout: Duration = .seconds(5)
    /// Batches that share one sync.
    package var groupLimit = 256
    /// The clock of locks and leases.
    package var clock: BootClock?

    /// Takes the defaults.
    package init() {}
}
