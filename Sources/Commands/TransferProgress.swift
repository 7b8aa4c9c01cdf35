import FoundationEssentials
import Synchronization

/// Shows a person how far a transfer is: bytes, rate and, where the whole is known, the part of it.
final class TransferProgress: Sendable {
    private struct State {
        var count = 0
        var shown: ContinuousClock.Instant?
        var isEnded = false
    }

    private static let interval: Duration = .milliseconds(200)

    private let name: String
    private let total: Int?
    private let show: (@Sendable (String) -> Void)?
    private let start = ContinuousClock.now
    private let state = Mutex(State())

    /// Begins; nothing is shown where nobody looks on.
    init(_ name: String, of total: Int?) {
        self.name = name
        self.total = total
        show = Terminal.current.progress
    }

    /// The bytes so far.
    var count: Int { state.withLock(\.count) }

    /// Counts more bytes.
    func add(_ bytes: Int) {
        let now = ContinuousClock.now
        let due: Int? = state.withLock { state in
            state.count += bytes
            if let shown = state.shown, shown.duration(to: now) < Self.interval { return nil }
            state.shown = now
            return state.count
        }
        if let due { show?(line(due, now)) }
    }

    /// Takes away what was shown.
    func end() {
        let wasShown = state.withLock { state in
            defer { state.isEnded = true }
            return state.shown != nil && !state.isEnded
        }
        if wasShown { show?("") }
    }

    private func line(_ count: Int, _ now: ContinuousClock.Instant) -> String {
        let seconds = max(start.duration(to: now) / .seconds(1), 0.001)
        let rate = "\(Self.text(Int(Double(count) / seconds)))/s"
        guard let total, total > 0 else { return "\(name): \(Self.text(count)), \(rate)" }
        let part = min(1, Double(count) / Double(total))
        let filled = Int(part * 30)
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 30 - filled)
        return "\(name): [\(bar)] \(Int(part * 100)) % of \(Self.text(total)), \(rate)"
    }

    /// A number of bytes for people.
    static func text(_ bytes: Int) -> String {
        var value = Double(bytes)
        var units = ["bytes", "KiB", "MiB", "GiB", "TiB"][...]
        while value >= 1024, units.count > 1 {
            value /= 1024
            units.removeFirst()
        }
        let rounded = bytes < 1024 ? "\(bytes)" : "\((value * 10).rounded() / 10)"
        return "\(rounded) \(units.first ?? "")"
    }
}
