import Base
import Logging
import ServiceLifecycle
import Synchronization

/// Announces pushes: at once when they are added, and again until they are accepted.
final class DeliveryLoop: Service {
    private let outbox: Outbox
    private let send: @Sendable (Delivery) async throws -> DeliveryQueue.Outcome
    private let queue = Mutex(DeliveryQueue())
    private let wakeUps: AsyncStream<Void>
    private let wakeUp: AsyncStream<Void>.Continuation

    /// How many deliveries are on their way at once.
    private static let concurrency = 8

    /// Announces what `outbox` holds; `send` makes one attempt.
    init(outbox: Outbox, send: @escaping @Sendable (Delivery) async throws -> DeliveryQueue.Outcome) {
        self.outbox = outbox
        self.send = send
        (wakeUps, wakeUp) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Takes up what an earlier service left behind; to be called before any push is accepted.
    func recall() async throws {
        let pending = try await outbox.pendingDeliveries()
        add(pending.sorted { ($0.createdAt, $0.position) < ($1.createdAt, $1.position) })
    }

    /// Announces deliveries that were just committed.
    func add(_ deliveries: [Delivery]) {
        guard !deliveries.isEmpty else { return }
        queue.withLock { $0.add(deliveries, now: .now) }
        wakeUp.yield()
    }

    /// How many deliveries nobody has accepted yet.
    var pendingCount: Int { queue.withLock(\.count) }

    /// Announces until cancelled.
    func run() async throws {
        await withDiscardingTaskGroup { group in
            var alarm: ContinuousClock.Instant?
            for await _ in wakeUps {
                let now = ContinuousClock.now
                if let set = alarm, set <= now { alarm = nil }
                let (due, next) = queue.withLock { queue in
                    (queue.takeDue(now: now, limit: Self.concurrency), queue.nextDue)
                }
                for (lane, id) in due {
                    group.addTask { await self.deliver(id, lane) }
                }
                guard let next, next > now, next < alarm ?? .distantFuture else { continue }
                alarm = next
                group.addTask { await self.wake(at: next) }
            }
            group.cancelAll()
        }
    }

    private func wake(at moment: ContinuousClock.Instant) async {
        // Cancellation is the end of the loop, and then there is nobody to wake.
        try? await Task.sleep(until: moment, clock: .continuous)
        wakeUp.yield()
    }

    private func deliver(_ id: String, _ lane: Delivery.Lane) async {
        var outcome = DeliveryQueue.Outcome.unreachable
        do {
            if let delivery = try await outbox.delivery(id) {
                outcome = try await send(delivery)
                try FailPoint.pushAnnounced.pass()
            } else {
                outcome = .done
            }
            if outcome == .done { try await outbox.complete(id) }
        } catch {
            // Not done as long as it is on record: a repeated delivery is recognized by its id, a forgotten one is not.
            outcome = .unreachable
            log(error, id)
        }
        let isGivenUp = queue.withLock { $0.finish(lane, outcome, now: .now) }
        if isGivenUp { await giveUp(id) }
        wakeUp.yield()
    }

    private func giveUp(_ id: String) async {
        do {
            guard let delivery = try await outbox.delivery(id) else { return }
            let reason = "refused \(DeliveryQueue.maximumRefusals) times"
            try await outbox.giveUp(delivery, because: reason)
            Logger.current.error(
                "push was never accepted",
                metadata: [
                    "delivery": "\(id)", "project": "\(delivery.project)", "repository": "\(delivery.repository)",
                ]
            )
        } catch {
            // It stays on record as pending and is tried again after the next start.
            log(error, id)
        }
    }

    private func log(_ error: any Error, _ id: String) {
        guard !ErrorChain(error).isCancellation else { return }
        Logger.current.warning("cannot announce a push yet", error: error, metadata: ["delivery": "\(id)"])
    }
}

extension ContinuousClock.Instant {
    fileprivate static var distantFuture: Self { now.advanced(by: .seconds(1_000_000_000)) }
}
