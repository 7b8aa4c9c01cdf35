import FoundationEssentials
import Model
import Synchronization

/// What the outside world was told about runs while processes were being broken.
package final class RunLedger: Sendable {
    /// Which log somebody followed.
    package struct FollowedLog: Hashable, Sendable {
        let run: Int64
        let task: String
        let step: Int
    }

    /// Which log somebody asked to remove, for all runs that have its task.
    package struct RemovedLog: Hashable, Sendable {
        let task: TaskID
        let step: Int
    }

    /// A run that somebody asked to remove.
    package struct RemovedRun: Sendable {
        let id: RunID
        let tasks: [TaskID]
        let commit: String?
        /// Whether the removal was acknowledged.
        private(set) var isAcknowledged = false
        /// Whether it was so by the first answer: nobody can have died in the middle of it.
        private(set) var wasDoneAtOnce = false

        init(_ run: Run) {
            id = run.id
            tasks = Array(run.tasks.keys)
            commit = run.annotations["commit_sha"]
        }

        mutating func acknowledge(atOnce isFirst: Bool) {
            isAcknowledged = true
            wasDoneAtOnce = isFirst
        }
    }

    /// Everything on one page.
    package struct Page: Sendable {
        /// The commits whose push git called done.
        package var pushes: Set<String> = []
        /// The runs that a request was answered with.
        package var numbers: [Int64] = []
        /// Pushes and requests that were tried.
        package var calls = 0
        /// How often a followed log broke off.
        package var breaks = 0
        /// Logs that somebody followed while they grew.
        package var followed: [FollowedLog: [UInt8]] = [:]

        /// Runs that were seen to end, and that nobody looks at any more.
        package var ended: Set<Int64> = []
        /// Runs that somebody asked to remove, by their numbers.
        package var removedRuns: [Int64: RemovedRun] = [:]
        /// Logs that somebody asked to remove, and whether that was acknowledged.
        package var removedLogs: [RemovedLog: Bool] = [:]
        /// How many runs were restarted from their failed tasks.
        package var restarts = 0

        /// How many runs were promised.
        package var acknowledged: Int { pushes.count + numbers.count }
    }

    private let state = Mutex(Page())

    /// Makes an empty ledger.
    package init() {}

    /// What has been written so far.
    package var page: Page { state.withLock(\.self) }

    func note(_ change: @Sendable (inout Page) -> Void) {
        state.withLock { change(&$0) }
    }
}
