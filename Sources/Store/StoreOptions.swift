/// How a store is kept; the defaults suit every service.
package struct StoreOptions: Sendable {
    /// Events kept per stream; older ones are trimmed while new ones are appended.
    package var eventsKept: Int64 = 20_000
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
