public import Base
public import FoundationEssentials

/// Identifies an executor: a UUID that it keeps in its data directory.
public typealias ExecutorID = Identifier<ExecutorRegistration>

/// What an executor says of itself when it registers.
public struct ExecutorRegistration: Codable, Sendable, Equatable {
    /// The architectures it runs, in Go's names.
    public var architectures: [String]
    /// Labels that pipelines may ask for.
    public var labels: [String: String]
    /// Whether it accepts privileged containers.
    public var allowsPrivileged: Bool
    /// How many tasks it runs at once.
    public var activeTasksLimit: Int

    /// Describes an executor.
    public init(architectures: [String], labels: [String: String], allowsPrivileged: Bool, activeTasksLimit: Int) {
        self.architectures = architectures
        self.labels = labels
        self.allowsPrivileged = allowsPrivileged
        self.activeTasksLimit = activeTasksLimit
    }
}

/// A task as an executor sees it: who it is, what to do, and how it goes.
public struct ExecutorTask: Codable, Sendable, Equatable {
    /// Identity, executor, attempt and whether to stop.
    public var spec: ExecutorTaskSpec
    /// What to do; derived from run and definition whenever it is needed, never stored.
    public var specData: ExecutorTaskSpecData?
    /// How it goes.
    public var status: ExecutorTaskStatus

    /// Makes a task that has not started.
    public init(spec: ExecutorTaskSpec, specData: ExecutorTaskSpecData? = nil, status: ExecutorTaskStatus) {
        self.spec = spec
        self.specData = specData
        self.status = status
    }
}

/// The identity of an assignment.
public struct ExecutorTaskSpec: Codable, Sendable, Equatable {
    /// The run's task; logs are stored under it.
    public var id: TaskID
    /// The run.
    public var run: RunID
    /// The executor that was chosen.
    public var executor: ExecutorID
    /// Fences the assignment: what an older attempt reports or sends is refused.
    public var attempt: Int
    /// Whether the executor shall stop the task.
    public var stop: Bool

    /// Makes an assignment.
    public init(id: TaskID, run: RunID, executor: ExecutorID, attempt: Int, stop: Bool = false) {
        self.id = id
        self.run = run
        self.executor = executor
        self.attempt = attempt
        self.stop = stop
    }
}

/// Everything an executor needs to know to run a task.
public struct ExecutorTaskSpecData: Codable, Sendable, Equatable {
    /// The task's name.
    public var taskName: String
    /// Where the steps run.
    public var runtime: TaskRuntime
    /// Variables of every step; those of a container lie below them, those of a step above.
    public var environment: [String: String]
    /// Where steps run; `~` is the home directory inside.
    public var workingDirectory: String
    /// The command that executes a run step's file, split on single spaces.
    public var shell: String
    /// The user inside the container.
    public var user: String?
    /// The steps in order.
    public var steps: [StepDefinition]
    /// The longest time that all steps together may take.
    public var timeout: WireDuration?
    /// Values that must not appear in logs.
    public var secrets: [SecretValue]

    /// Derives the data from a task and the variables of its run.
    public init(task: TaskDefinition, definition: RunDefinition, runNumber: Int64) {
        taskName = task.name
        runtime = task.runtime
        environment =
            task.environment
            .merging(definition.staticEnvironment) { $1 }
            .merging(definition.environment) { $1 }
            .merging(["MARTLET_RUN_COUNTER": String(runNumber)]) { $1 }
        // A pipeline written for Agola knows its variables by their old names.
        if environment["AGOLA_GIT_REF"] != nil { environment["AGOLA_RUN_COUNTER"] = String(runNumber) }
        workingDirectory = task.workingDirectory
        shell = task.shell
        user = task.user
        steps = task.steps
        timeout = task.timeout
        secrets = definition.secrets
    }
}

/// How a task goes on its executor.
public struct ExecutorTaskStatus: Codable, Sendable, Equatable {
    /// The state.
    public var phase: StepPhase = .notstarted
    /// Whether the steps took longer than allowed.
    public var timedOut: Bool = false
    /// Why the task failed, where no step says so.
    public var failError: String?
    /// The preparation of the place.
    public var setupStep: StepState = StepState()
    /// The steps in order.
    public var steps: [StepState]
    /// When the task began.
    public var startTime: Date?
    /// When it ended.
    public var endTime: Date?

    /// A task that has not started.
    public init(steps: Int) {
        self.steps = Array(repeating: StepState(), count: steps)
    }
}

/// Which log of a task: that of its preparation or that of a step.
public enum LogSelector: Hashable, Sendable, CustomStringConvertible {
    /// The log of the preparation.
    case setup
    /// The log of a step, counted from 0.
    case step(Int)

    /// The selector as it stands in paths and queries: `setup`, or the step's number.
    public var description: String {
        switch self {
        case .setup: "setup"
        case .step(let index): String(index)
        }
    }

    /// Reads ``description`` back; nil for anything else.
    public init?(_ text: some StringProtocol) {
        if text == "setup" {
            self = .setup
        } else if let index = Int(text), index >= 0, String(index) == text {
            self = .step(index)
        } else {
            return nil
        }
    }
}

/// The answer to an executor's request for work: every task it has to know, not the changes.
public struct ExecutorWork: Codable, Sendable, Equatable {
    /// The state's version; given back with the next request, which is held until there is another one.
    public var version: Int64
    /// The tasks assigned to the executor that are not finished, with ``ExecutorTask/specData`` for those not started.
    public var tasks: [ExecutorTask]

    /// Makes an answer.
    public init(version: Int64, tasks: [ExecutorTask]) {
        self.version = version
        self.tasks = tasks
    }
}

/// The answer to a log chunk: where the next one begins.
public struct LogAcknowledgement: Codable, Sendable, Equatable {
    /// The bytes that are stored.
    public var offset: Int64

    /// Makes an answer.
    public init(offset: Int64) {
        self.offset = offset
    }
}
