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

    /// Says that nothing more is written to any log.
    func complete() {
        for spool in current.spools { spool.complete() }
    }

    /// The length of a log; nil when it was never opened.
    func length(of selector: LogSelector) -> Int64? {
        current.spools.last { $0.selector == selector }?.extent.length
    }

    /// A status whose logs are as long as what can be sent: one that could not be read to its end is shorter.
    func corrected(_ status: ExecutorTaskStatus) -> ExecutorTaskStatus {
        var status = status
        for spool in current.spools where spool.isCut {
            switch spool.selector {
            case .setup: status.setupStep.logBytes = spool.extent.length
            case .step(let index): status.steps[index].logBytes = spool.extent.length
            }
        }
        return status
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
