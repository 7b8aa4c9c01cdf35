import Base
import Synchronization

/// Tells the thread of a running step that the task shall end; also read between steps.
final class StopSwitch: Sendable {
    /// How the task shall end.
    enum Position: Int, Sendable, Comparable {
        /// It goes on.
        case running
        /// Somebody asked to stop it: politely first.
        case stopped
        /// The executor itself goes: at once.
        case aborted

        static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    private let state = Mutex(Position.running)
    /// Signalled when the switch is turned; for `poll`.
    let wakeUp: WakeUp

    /// A switch that nobody has turned.
    /// - Throws: ``SystemError`` when the process has no descriptor left.
    init() throws {
        wakeUp = try WakeUp()
    }

    /// Where the switch stands.
    var position: Position { state.withLock { $0 } }

    /// Turns the switch; never back.
    func turn(to position: Position) {
        state.withLock { $0 = max($0, position) }
        wakeUp.signal()
    }
}
