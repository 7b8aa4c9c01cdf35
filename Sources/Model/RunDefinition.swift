public import Base

/// Identifies a run definition.
public typealias RunDefinitionID = Identifier<RunDefinition>
/// Identifies a task of a run; logs and archives are stored under it.
public typealias TaskID = Identifier<TaskDefinition>

/// What a run is made of: the checked task graph of a pipeline file, with variables resolved.
///
/// Immutable once the run exists. Big and full of secrets, so it is stored once and never travels with the live state.
public struct RunDefinition: Codable, Sendable, Equatable {
    /// The definition's identity.
    public var id: RunDefinitionID
    /// The run's name in the pipeline file.
    public var name: String
    /// Where the run belongs; runs of one group run one after another.
    public var group: String
    /// Why the run cannot start; such a run has no tasks.
    public var setupErrors: [String] = []
    /// Facts about the commit and what caused the run.
    public var annotations: [String: String] = [:]
    /// Variables given to every task by the creator of the run.
    public var staticEnvironment: [String: String] = [:]
    /// Variables that overlay ``staticEnvironment``; replaced when a run is restarted.
    public var environment: [String: String] = [:]
    /// Values that must not appear in logs.
    public var secrets: [SecretValue] = []
    /// The namespace of caches; the root of the group when nil.
    public var cacheGroup: String?
    /// The tasks by identity.
    public var tasks: [TaskID: TaskDefinition] = [:]

    /// Makes a definition without tasks.
    public init(id: RunDefinitionID, name: String, group: String) {
        self.id = id
        self.name = name
        self.group = group
    }
}

/// One task of a run: a list of steps in a container or sandbox.
public struct TaskDefinition: Codable, Sendable, Equatable {
    /// The task's identity, new for every run.
    public var id: TaskID
    /// The name in the pipeline file, unique in the run.
    public var name: String
    /// The distance from a task without dependencies, for drawing.
    public var level: Int = 0
    /// What must have happened to other tasks before this one runs.
    public var depends: [TaskID: [DependCondition]] = [:]
    /// The kind of place the steps run in.
    public var runtime: TaskRuntime
    /// Variables of the task.
    public var environment: [String: String] = [:]
    /// Where steps run; `~` is the home directory inside.
    public var workingDirectory: String = "~/project"
    /// The command that executes a run step's file, split on single spaces.
    public var shell: String = "/bin/sh -e"
    /// The user inside the container; nil for the image's own.
    public var user: String?
    /// The steps in order.
    public var steps: [StepDefinition] = []
    /// Whether a failure of this task leaves the run's result alone.
    public var ignoreFailure: Bool = false
    /// Whether somebody must approve the task first.
    public var needsApproval: Bool = false
    /// Whether the task's `when` did not match.
    public var skip: Bool = false
    /// The longest time that all steps together may take; nil for no limit.
    public var timeout: WireDuration?

    /// Makes a task without steps.
    public init(id: TaskID, name: String, runtime: TaskRuntime) {
        self.id = id
        self.name = name
        self.runtime = runtime
    }
}

/// The outcome of a task on which another one depends.
public enum DependCondition: String, Codable, Sendable, CaseIterable {
    /// The parent succeeded.
    case onSuccess = "on_success"
    /// The parent failed.
    case onFailure = "on_failure"
    /// The parent was skipped.
    case onSkipped = "on_skipped"
}

/// The place in which the steps of a task run.
public struct TaskRuntime: Codable, Sendable, Equatable {
    /// The processor architecture that is needed, in Go's names; nil for any.
    public var architecture: String?
    /// The containers; the first one runs the steps, the others are services.
    public var containers: [ContainerDefinition]

    /// Makes a runtime.
    public init(architecture: String? = nil, containers: [ContainerDefinition]) {
        self.architecture = architecture
        self.containers = containers
    }
}

/// One container of a task.
public struct ContainerDefinition: Codable, Sendable, Equatable {
    /// The image, or `host` for the executor's own system.
    public var image: String
    /// Variables set in the container.
    public var environment: [String: String]
    /// The user of the container; nil for the image's own.
    public var user: String?
    /// Whether the container may do what only root of the host may.
    public var privileged: Bool

    /// Makes a container.
    public init(image: String, environment: [String: String] = [:], user: String? = nil, privileged: Bool = false) {
        self.image = image
        self.environment = environment
        self.user = user
        self.privileged = privileged
    }
}

/// One step of a task.
public enum StepDefinition: Codable, Sendable, Equatable {
    /// A command given to the shell.
    case run(RunStep)

    /// The step's display name.
    public var name: String {
        switch self {
        case .run(let step): step.name
        }
    }

    private enum CodingKeys: String, CodingKey {
        case type
    }

    private enum Kind: String, Codable {
        case run
    }

    /// Decodes by the `type` key.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch try container.decode(Kind.self, forKey: .type) {
        case .run: self = .run(try RunStep(from: decoder))
        }
    }

    /// Encodes the step with a `type` key beside its own.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .run(let step):
            try container.encode(Kind.run, forKey: .type)
            try step.encode(to: encoder)
        }
    }
}

/// A step that runs a command.
public struct RunStep: Codable, Sendable, Equatable {
    /// The display name.
    public var name: String
    /// The text given to the shell as a file.
    public var command: String
    /// Variables that overlay all others.
    public var environment: [String: String]
    /// Where the command runs; nil for the task's.
    public var workingDirectory: String?
    /// The shell; nil for the task's.
    public var shell: String?
    /// Whether the command gets a terminal.
    public var tty: Bool

    /// Makes a step.
    public init(
        name: String,
        command: String,
        environment: [String: String] = [:],
        workingDirectory: String? = nil,
        shell: String? = nil,
        tty: Bool = true
    ) {
        self.name = name
        self.command = command
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.shell = shell
        self.tty = tty
    }
}
