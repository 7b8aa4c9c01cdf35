import CLinux
import Glibc

/// A counter that a blocked thread waits on and any other thread raises; also usable with `poll`.
public final class WakeUp: Sendable {
    /// The event descriptor, readable while the counter is above zero.
    public let descriptor: Int32

    /// Opens the counter.
    /// - Parameter countsSignals: whether every signal lets one wait return; otherwise signals before a wait are one.
    /// - Throws: ``SystemError`` when the process has no descriptor left.
    public init(countsSignals: Bool = false) throws {
        let descriptor = clinux_eventfd(countsSignals ? 1 : 0)
        guard descriptor >= 0 else { throw SystemError("open event descriptor") }
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// Wakes the waiting thread, or lets its next wait return at once.
    public func signal() {
        var one: UInt64 = 1
        write(descriptor, &one, 8)
    }

    /// Blocks until somebody signals.
    public func wait() {
        var count: UInt64 = 0
        while read(descriptor, &count, 8) < 0, errno == EINTR {}
    }
}
