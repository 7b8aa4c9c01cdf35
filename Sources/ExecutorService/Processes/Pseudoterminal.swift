import Base
import CLinux
import Glibc

/// A terminal for one step: the executor reads one end, the step gets the other.
struct Pseudoterminal: Sendable {
    /// The executor's end.
    let controller: OwnedDescriptor
    /// The step's end.
    let terminal: OwnedDescriptor

    /// Opens a terminal of 120 columns and 24 rows.
    /// - Throws: ``SystemError``.
    init() throws {
        (controller, terminal) = try OwnedDescriptor.pair("open a terminal", clinux_open_terminal)
        guard clinux_set_window_size(terminal.number, 24, 120) == 0 else { throw SystemError("size a terminal") }
    }
}
