import Base
import Model

/// Which announcements are to be made next: those of a lane in order, and after a failure later and later.
struct DeliveryQueue: Sendable {
    /// What came of sending a delivery.
    enum Outcome: Sendable, Equatable {
        /// It was accepted, or nobody wants it any more.
        case done
        /// The receiver did not answer, or asked for patience.
        case unreachable
        /// The receiver refused it.
        case refused
    }

    private struct Lane {
        var ids: [String] = []
        var due: ContinuousClock.Instant
        var failures = 0
        var refusals = 0
        var isBusy = false
    }

    private var lanes: [Delivery.Lane: Lane] = [:]

    /// After how many refusals a delivery is given up: enough for somebody to mend a mistake within the hour.
    static let maximumRefusals = 12
    private static let firstDelay: Duration = .milliseconds(250)
    private static let longestDelay: Duration = .seconds(300)

    /// How many deliveries wait or are on their way.
    var count: Int { lanes.values.reduce(0) { $0 + $1.ids.count } }

    /// Adds deliveries, which are due at once.
    mutating func add(_ deliveries: [Delivery], now: ContinuousClock.Instant) {
        for delivery in deliveries {
            lanes[delivery.lane, default: Lane(due: now)].ids.append(delivery.id)
        }
    }

    /// Takes up to `limit` deliveries that are due; each must come back to ``finish(_:_:now:)``.
    mutating func takeDue(now: ContinuousClock.Instant, limit: Int) -> [(lane: Delivery.Lane, id: String)] {
        let due = lanes.filter { !$0.value.isBusy && $0.value.due <= now }.sorted { $0.value.due < $1.value.due }
        return due.prefix(limit).compactMap { lane, state in
            lanes[lane]?.isBusy = true
            return state.ids.first.map { (lane, $0) }
        }
    }

    /// Notes what came of the first delivery of a lane.
    /// - Returns: whether it is to be given up.
    mutating func finish(_ lane: Delivery.Lane, _ outcome: Outcome, now: ContinuousClock.Instant) -> Bool {
        guard var state = lanes[lane] else { return false }
        state.isBusy = false
        let isGivenUp = outcome == .refused && state.refusals + 1 >= Self.maximumRefusals
        if outcome == .done || isGivenUp {
            state.ids.removeFirst()
            state.failures = 0
            state.refusals = 0
            state.due = now
        } else {
            state.failures += 1
            if outcome == .refused { state.refusals += 1 }
            state.due = now + min(Self.longestDelay, Self.firstDelay * (1 << min(state.failures - 1, 20)))
        }
        lanes[lane] = state.ids.isEmpty ? nil : state
        return isGivenUp
    }

    /// When the next delivery is due; nil when none waits.
    var nextDue: ContinuousClock.Instant? {
        lanes.values.filter { !$0.isBusy }.map(\.due).min()
    }
}
