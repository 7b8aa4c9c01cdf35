import FoundationEssentials
import Model

/// The life of one attempt of a task, as values: what happened goes in, the status to report comes out.
struct TaskState: Sendable, Equatable {
    /// How a step or the setup ended.
    enum Ending: Sendable, Equatable {
        /// The command ended by itself or by a signal.
        case exited(Int)
        /// The command could not be executed, or its output not be kept.
        case broken
    }

    /// What ends a task before its last step.
    enum Interruption: Sendable, Equatable {
        /// Somebody asked for it.
        case stopped
        /// The steps took too long.
        case timedOut
    }

    /// What the runservice is told.
    private(set) var status: ExecutorTaskStatus
    private var interruption: Interruption?

    /// A task that has not started.
    init(steps: Int) {
        status = ExecutorTaskStatus(steps: steps)
    }

    /// A task as its record tells.
    init(recovering status: ExecutorTaskStatus) {
        self.status = status
    }

    /// A task as its record tells, and the runservice where it heard of more: power that failed can have taken later records.
    init(recovering record: ExecutorTaskStatus, heard: ExecutorTaskStatus) {
        status = record
        status.startTime = record.startTime ?? heard.startTime
        status.setupStep = Self.later(record.setupStep, heard.setupStep)
        status.steps = zip(record.steps, heard.steps).map(Self.later)
    }

    /// The step to run now; nil when there is none or the task is over.
    var nextStep: Int? {
        guard status.phase == .running, status.setupStep.phase == .success, interruption == nil else { return nil }
        guard let next = status.steps.firstIndex(where: { $0.phase != .success }) else { return nil }
        return status.steps[next].phase == .notstarted ? next : nil
    }

    /// The setup begins.
    mutating func begin(now: Date) {
        status.phase = .running
        status.startTime = now
        status.setupStep.phase = .running
        status.setupStep.startTime = now
    }

    /// The setup has ended; with a `reason` it failed.
    mutating func endSetup(reason: String?, logBytes: Int64, now: Date) {
        status.setupStep.phase = reason == nil ? .success : interruption == .stopped ? .stopped : .failed
        status.setupStep.endTime = now
        status.setupStep.logBytes = logBytes
        if reason != nil { status.failError = reason }
    }

    /// A step begins.
    mutating func beginStep(_ index: Int, now: Date) {
        status.steps[index].phase = .running
        status.steps[index].startTime = now
    }

    /// A step has ended.
    mutating func endStep(_ index: Int, _ ending: Ending, logBytes: Int64, now: Date) {
        let failure = interruption == .stopped ? StepPhase.stopped : .failed
        switch ending {
        case .exited(let code):
            status.steps[index].phase = code == 0 ? .success : failure
            status.steps[index].exitStatus = code
        case .broken:
            status.steps[index].phase = failure
        }
        status.steps[index].endTime = now
        status.steps[index].logBytes = logBytes
    }

    /// The task shall end; the first reason counts.
    mutating func interrupt(_ interruption: Interruption) {
        if self.interruption == nil { self.interruption = interruption }
    }

    /// Adds a sentence on why the task failed, unless there is one.
    mutating func explain(_ reason: String) {
        if status.failError == nil { status.failError = reason }
    }

    /// The task is over, unless it was abandoned.
    mutating func finish(now: Date) {
        guard !status.phase.isFinished else { return }
        status.endTime = now
        if status.setupStep.phase == .success, status.steps.allSatisfy({ $0.phase == .success }) {
            status.phase = .success
        } else if interruption == .timedOut {
            status.phase = .failed
            status.timedOut = true
        } else {
            status.phase = interruption == .stopped ? .stopped : .failed
        }
    }

    /// The executor cannot go on with the task: everything that was open has failed.
    ///
    /// `logBytes` gives the length of a log that was written.
    mutating func abandon(because reason: String, now: Date, logBytes: (LogSelector) -> Int64?) {
        guard !status.phase.isFinished else { return }
        status.phase = .failed
        status.failError = reason
        status.startTime = status.startTime ?? now
        status.endTime = now
        Self.abandon(&status.setupStep, now: now, logBytes: logBytes(.setup))
        for index in status.steps.indices {
            Self.abandon(&status.steps[index], now: now, logBytes: logBytes(.step(index)))
        }
    }

    /// Of these logs the runservice has so much, and nobody has more: power that failed may have taken what the record counts.
    mutating func settle(logs bytes: [LogSelector: Int64]) {
        if status.setupStep.logBytes != nil { status.setupStep.logBytes = bytes[.setup] ?? 0 }
        for index in status.steps.indices where status.steps[index].logBytes != nil {
            status.steps[index].logBytes = bytes[.step(index)] ?? 0
        }
    }

    /// Of two states of a step the one that comes later in its life.
    private static func later(_ one: StepState, _ other: StepState) -> StepState {
        func age(_ step: StepState) -> Int { step.phase.isFinished ? 2 : step.phase == .running ? 1 : 0 }
        return age(other) > age(one) ? other : one
    }

    private static func abandon(_ step: inout StepState, now: Date, logBytes: Int64?) {
        guard step.phase == .running || (step.phase == .notstarted && logBytes != nil) else { return }
        step.phase = .failed
        step.startTime = step.startTime ?? now
        step.endTime = now
        step.logBytes = logBytes ?? 0
    }
}
