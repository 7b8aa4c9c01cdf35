import FoundationEssentials
import Synchronization

/// What the outside world was told about runs while processes were being broken.
package final class RunLedger: Sendable {
    /// Which log somebody followed.
    package struct FollowedLog: Hashable, Sendable {
        let run: Int64
        let task: String
        let step: Int
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
