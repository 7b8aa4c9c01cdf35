import Base
import Model
import Synchronization

/// The logs of a task in the order they were opened, for the sender to take.
final class TaskLogs: Sendable {
    private struct State {
        var spools: [LogSpool] = []
        var isClosed = false
    }

    private let directory: TaskDirectory
    private let state = Mutex(State())
    /// Raised when a log grows, ends or opens.
    let changed = Signal()

    /// The logs that a task keeps in its directory.
    init(_ directory: TaskDirectory) {
        self.directory = directory
    }

    /// Opens a log.
    /// - Throws: ``SystemError`` naming the path.
    func open(_ selector: LogSelector) throws -> LogSpool {
        let spool = try LogSpool(selector, path: directory.logPath(selector), changed: changed)
        state.withLock { $0.spools.append(spool) }
        changed.raise()
        return spool
    }

    /// Says that no further log is opened.
    func close() {
        state.withLock { $0.isClosed = true }
        changed.raise()
    }

    /// The logs opened so far, and whether these are all.
    var current: (spools: [LogSpool], isClosed: Bool) {
        state.withLock { ($0.spools, $0.isClosed) }
    }
}
