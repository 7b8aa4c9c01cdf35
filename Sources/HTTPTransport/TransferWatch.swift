import Base

/// Knows when the loop must next look whether a transfer is overdue.
///
/// Looking costs a pass over all transfers, so it is done only when the earliest possible moment has come. That moment is not
/// moved when a transfer ends, because most end long before their deadline.
struct TransferWatch {
    private var next: ContinuousClock.Instant?

    /// Silence is noticed at most this part of the time-out late.
    private static let idleChecks = 4

    /// How often a transfer that waits for its producer looks whether its server is still there.
    static let hangUpCheck: Duration = .milliseconds(500)

    /// Watches one more transfer.
    mutating func add(_ handle: CurlHandle, now: ContinuousClock.Instant) {
        guard let request = handle.transfer?.request else { return }
        handle.progress = (handle.byteCount, now)
        include(request.deadline?.instant)
        include(request.idleTimeout.map { now + $0 / Self.idleChecks })
    }

    /// The transfers whose time has come or whose server is gone, with the reason.
    mutating func overdue(
        among handles: some Sequence<CurlHandle>,
        now: ContinuousClock.Instant
    ) -> [(CurlHandle, HTTPTransportError.Kind, String)] {
        guard let next, next <= now else { return [] }
        self.next = nil
        var found: [(CurlHandle, HTTPTransportError.Kind, String)] = []
        for handle in handles {
            guard let request = handle.transfer?.request else { continue }
            if let reason = Self.reason(to: handle, request, now) {
                found.append((handle, .timedOut, reason))
                continue
            }
            if Self.isAbandoned(handle) {
                found.append((handle, .brokenTransfer, "the server closed the connection before the body was sent"))
                continue
            }
            if handle.isSendingPaused { include(now + Self.hangUpCheck) }
            include(request.deadline?.instant)
            include(request.idleTimeout.map { now + $0 / Self.idleChecks })
        }
        return found
    }

    /// How many milliseconds the loop may sleep, rounded up so that it does not wake too early and again.
    func timeout(now: ContinuousClock.Instant) -> Int32 {
        guard let next else { return .max }
        let left = now.duration(to: next)
        guard left > .zero else { return 0 }
        return Int32(clamping: Int64(left / .milliseconds(1)) + 1)
    }

    /// Has the loop awake at a moment.
    mutating func include(_ instant: ContinuousClock.Instant?) {
        guard let instant else { return }
        next = min(next ?? instant, instant)
    }

    /// Two looks, so that libcurl has read what the server said before it hung up.
    private static func isAbandoned(_ handle: CurlHandle) -> Bool {
        let before = handle.wasHungUp
        handle.wasHungUp = handle.isSendingPaused && !handle.isReceivingPaused && handle.isHungUp
        return before && handle.wasHungUp
    }

    private static func reason(
        to handle: CurlHandle,
        _ request: CurlRequest,
        _ now: ContinuousClock.Instant
    ) -> String? {
        if let deadline = request.deadline, deadline.instant <= now { return "the deadline passed" }
        guard let limit = request.idleTimeout else { return nil }
        let count = handle.byteCount
        if handle.isPaused || count != handle.progress.bytes { handle.progress = (count, now) }
        guard handle.progress.since + limit <= now else { return nil }
        return "no byte moved for \(limit)"
    }
}
