public import Base
public import FoundationEssentials

/// Identifies a run.
public typealias RunID = Identifier<Run>

/// The life of a run.
public enum RunPhase: String, Codable, Sendable, CaseIterable {
    /// The pipeline file was wrong; the run never starts.
    case setuperror
    /// Waits for an earlier run of its group.
    case queued
    /// Was cancelled while it waited.
    case cancelled
    /// Has started.
    case running
    /// Has ended.
    case finished

    /// Whether nothing more happens.
    public var isFinished: Bool { self == .setuperror || self == .cancelled || self == .finished }
}

/// The outcome of a run; never changes once it is known.
public enum RunResult: String, Codable, Sendable, CaseIterable {
    /// Not known yet, or the run never started.
    case unknown
    /// Somebody stopped the run.
    case stopped
    /// Every task that counts succeeded.
    case success
    /// A task that counts failed.
    case failed
}

/// The state of a task as its run sees it.
public enum TaskStatus: String, Codable, Sendable, CaseIterable {
    /// Waits for its dependencies, an approval or an executor.
    case notstarted
    /// Its conditions did not hold.
    case skipped
    /// The run ended before the task began.
    case cancelled
    /// Runs on an executor.
    case running
    /// Was stopped while it ran.
    case stopped
    /// All steps succeeded.
    case success
    /// A step failed, or the executor was lost.
    case failed

    /// Whether nothing more happens.
    public var isFinished: Bool { self != .notstarted && self != .running }
}

/// The state of one step, and of a task on its executor.
public enum StepPhase: String, Codable, Sendable, CaseIterable {
    /// Has not begun.
    case notstarted
    /// Never began and never will.
    case cancelled
    /// Is being executed.
    case running
    /// Was stopped while it ran.
    case stopped
    /// Ended well.
    case success
    /// Ended badly.
    case failed

    /// Whether nothing more happens.
    public var isFinished: Bool { self != .notstarted && self != .running }
}

/// A run: its place, its tasks' states and its outcome.
public struct Run: Codable, Sendable, Equatable {
    /// The run's identity.
    public var id: RunID
    /// The position among all runs of the installation.
    public var sequence: Int64
    /// The number people know the run by, counted per project or user from 1.
    public var number: Int64
    /// The name in the pipeline file.
    public var name: String
    /// Where the run belongs.
    public var group: String
    /// What the run is made of.
    public var definition: RunDefinitionID
    /// Facts about the commit and what caused the run.
    public var annotations: [String: String]
    /// Why the run could not start.
    public var setupErrors: [String]
    /// The life of the run.
    public var phase: RunPhase
    /// The outcome.
    public var result: RunResult
    /// Whether somebody asked to stop it.
    public var stop: Bool
    /// The tasks by identity.
    public var tasks: [TaskID: RunTask]
    /// When the run was created.
    public var enqueueTime: Date
    /// When it began to run.
    public var startTime: Date?
    /// When it ended.
    public var endTime: Date?

    /// Makes a queued run without tasks.
    public init(
        id: RunID,
        sequence: Int64,
        number: Int64,
        name: String,
        group: String,
        definition: RunDefinitionID,
        enqueueTime: Date
    ) {
        self.id = id
        self.sequence = sequence
        self.number = number
        self.name = name
        self.group = group
        self.definition = definition
        annotations = [:]
        setupErrors = []
        phase = .queued
        result = .unknown
        stop = false
        tasks = [:]
        self.enqueueTime = enqueueTime
    }
}

/// The state of one task of a run.
public struct RunTask: Codable, Sendable, Equatable {
    /// The task's identity.
    public var id: TaskID
    /// The name in the pipeline file.
    public var name: String
    /// The state.
    public var status: TaskStatus
    /// How often the task was given to an executor; fences reports of earlier attempts.
    public var attempt: Int = 0
    /// Whether the task's `when` did not match.
    public var skip: Bool = false
    /// Whether the steps took longer than allowed.
    public var timedOut: Bool = false
    /// Why the task failed, where no step says so.
    public var failError: String?
    /// Whether somebody must approve the task now.
    public var waitingApproval: Bool = false
    /// Whether somebody approved it.
    public var approved: Bool = false
    /// Notes on the task, such as who approved it.
    public var annotations: [String: String] = [:]
    /// The preparation of the place.
    public var setupStep: StepState = StepState()
    /// The steps in order.
    public var steps: [StepState] = []
    /// When the task began on its executor.
    public var startTime: Date?
    /// When it ended.
    public var endTime: Date?

    /// Makes a task that has not started.
    public init(id: TaskID, name: String, status: TaskStatus = .notstarted, steps: Int) {
        self.id = id
        self.name = name
        self.status = status
        self.steps = Array(repeating: StepState(), count: steps)
    }
}

/// The state of one step, the same on the executor and in the run.
public struct StepState: Codable, Sendable, Equatable {
    /// The state.
    public var phase: StepPhase = .notstarted
    /// The command's exit status, where it ended by itself.
    public var exitStatus: Int?
    /// When the step began.
    public var startTime: Date?
    /// When it ended.
    public var endTime: Date?
    /// How many bytes of log the step wrote; known when it has ended.
    public var logBytes: Int64?

    /// Makes a step that has not begun.
    public init() {}
}
