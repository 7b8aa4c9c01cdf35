import Base
import FoundationEssentials
import Model

@testable import ExecutorService

/// A runservice that follows a script: hands out tasks, keeps logs and reports, and refuses what the real one refuses.
final actor ScriptedRunService: RunServiceLink {
    private var version: Int64 = 1
    private var tasks: [TaskID: ExecutorTask] = [:]
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private(set) var registrations: [ExecutorID] = []
    private(set) var reports: [TaskID: [ExecutorTaskStatus]] = [:]
    private(set) var logs: [TaskID: [LogSelector: [UInt8]]] = [:]
    private(set) var chunks = 0
    private(set) var complaints: [String] = []
    private var assignsToFirst: [ExecutorTask] = []
    /// Whether log bytes are counted instead of kept.
    private let countsOnly: Bool
    private(set) var counted: Int64 = 0
    /// How often calls fail before they succeed.
    private var failures = 0
    private var lossesOfAnswers = 0
    private var refusesLogs = false
    private var refusedLogs = 0

    init(countsOnly: Bool = false) {
        self.countsOnly = countsOnly
    }

    // MARK: What tests do

    /// Gives a task to the executor that registers first, or has.
    func assign(_ data: ExecutorTaskSpecData, id: TaskID = .random(), attempt: Int = 1) async throws -> TaskID {
        let executor = try await executor()
        let spec = ExecutorTaskSpec(id: id, run: .random(), executor: executor, attempt: attempt)
        tasks[id] = ExecutorTask(spec: spec, specData: data, status: ExecutorTaskStatus(steps: data.steps.count))
        change()
        return id
    }

    /// Lists a task as if an earlier process of the executor had reported it.
    func list(_ task: ExecutorTask) {
        tasks[task.spec.id] = task
        change()
    }

    func stop(_ id: TaskID) {
        tasks[id]?.spec.stop = true
        change()
    }

    /// Takes a task away.
    func withdraw(_ id: TaskID) {
        tasks[id] = nil
        change()
    }

    /// Lets the next calls fail as a lost connection does: half of them after the call took effect.
    func fail(_ calls: Int) {
        failures = calls
    }

    /// Lets pieces of logs fail from now on, or no longer.
    func refuseLogs(_ refuses: Bool) {
        refusesLogs = refuses
    }

    /// Waits until a piece of a log was refused.
    func waitForRefusedLog() async {
        while refusedLogs == 0, !Task.isCancelled { await change(after: version) }
    }

    func executor() async throws -> ExecutorID {
        while true {
            if let first = registrations.first { return first }
            try Task.checkCancellation()
            await change(after: version)
        }
    }

    /// Waits for a task's final status.
    func result(of id: TaskID) async -> ExecutorTaskStatus {
        await status(of: id) { $0.phase.isFinished }
    }

    /// Waits for a status.
    func status(of id: TaskID, where condition: (ExecutorTaskStatus) -> Bool) async -> ExecutorTaskStatus {
        while true {
            if let status = reports[id]?.last, condition(status) || Task.isCancelled { return status }
            // The test is over and failed already; what it gets no longer matters.
            if Task.isCancelled { return ExecutorTaskStatus(steps: 0) }
            await change(after: version)
        }
    }

    func log(_ id: TaskID, _ selector: LogSelector) -> String {
        String(decoding: logs[id]?[selector] ?? [], as: UTF8.self)
    }

    /// Waits until a log holds a text.
    func waitForLog(_ id: TaskID, _ selector: LogSelector, containing text: String) async {
        while !log(id, selector).contains(text), !Task.isCancelled { await change(after: version) }
    }

    func setLog(_ id: TaskID, _ selector: LogSelector, _ text: String) {
        logs[id, default: [:]][selector] = Array(text.utf8)
    }

    // MARK: What the executor does

    func register(_ id: ExecutorID, _ registration: ExecutorRegistration) throws {
        try falter()
        if !registrations.contains(id) { registrations.append(id) }
        change()
    }

    func work(for id: ExecutorID, after version: Int64, timeout: Duration) async throws -> ExecutorWork {
        try falter()
        while self.version <= version {
            await change(after: version)
            try Task.checkCancellation()
        }
        let listed = tasks.values.filter { $0.spec.executor == id && !$0.status.phase.isFinished }
        return ExecutorWork(version: self.version, tasks: listed)
    }

    func report(_ task: TaskID, attempt: Int, status: ExecutorTaskStatus, from id: ExecutorID) throws {
        try falter()
        try check(task, attempt)
        if let last = reports[task]?.last, last.phase.isFinished {
            complaints.append("report after the end of \(task)")
        }
        if status.phase.isFinished {
            let steps = [(LogSelector.setup, status.setupStep)] + status.steps.enumerated().map { (.step($0), $1) }
            for (selector, step) in steps where step.phase.isFinished && step.phase != .cancelled {
                let stored = countsOnly ? step.logBytes : Int64(logs[task]?[selector]?.count ?? 0)
                guard step.logBytes == stored else {
                    complaints.append(
                        "\(selector) of \(task): \(step.logBytes ?? -1) bytes reported, \(stored ?? -1) stored"
                    )
                    throw RemoteError(kind: .badRequest, code: "logIncomplete")
                }
            }
        }
        reports[task, default: []].append(status)
        tasks[task]?.status = status
        change()
        try loseAnswer()
    }

    func sendLog(
        _ task: TaskID,
        attempt: Int,
        log: LogSelector,
        offset: Int64,
        bytes: [UInt8],
        from id: ExecutorID
    ) throws -> LogAcknowledgement {
        try falter()
        try check(task, attempt)
        if refusesLogs {
            refusedLogs += 1
            change()
            throw Failure("connection refused")
        }
        chunks += 1
        if countsOnly {
            counted += Int64(bytes.count)
            return LogAcknowledgement(offset: offset + Int64(bytes.count))
        }
        let stored = Int64(logs[task]?[log]?.count ?? 0)
        guard offset == stored else {
            throw Failure(
                "send log",
                cause: RemoteError(kind: .badRequest, code: "logOffsetMismatch", details: ["offset": "\(stored)"])
            )
        }
        logs[task, default: [:]][log, default: []] += bytes
        change()
        try loseAnswer()
        return LogAcknowledgement(offset: stored + Int64(bytes.count))
    }

    private func check(_ task: TaskID, _ attempt: Int) throws {
        guard let known = tasks[task] else { throw RemoteError(kind: .notExist, code: "taskDoesNotExist") }
        guard known.spec.attempt == attempt else { throw RemoteError(kind: .badRequest, code: "attemptSuperseded") }
    }

    private func falter() throws {
        guard failures > 0 else { return }
        failures -= 1
        guard failures.isMultiple(of: 2) else {
            throw Failure("connection refused")
        }
        lossesOfAnswers += 1
    }

    private func loseAnswer() throws {
        guard lossesOfAnswers > 0 else { return }
        lossesOfAnswers -= 1
        throw Failure("connection lost")
    }

    private func change() {
        version += 1
        for continuation in waiting { continuation.resume() }
        waiting = []
    }

    private func change(after version: Int64) async {
        guard self.version <= version else { return }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled {
                    continuation.resume()
                } else {
                    waiting.append(continuation)
                }
            }
        } onCancel: {
            Task { await self.change() }
        }
    }
}
