package import Model
package import StrictYAML

/// A pipeline file that was found to be right: everything it says, checked, but not yet for any commit.
package struct PipelineDocument: Sendable {
    /// The file it came from.
    package var file: ConfigFile
    /// The runs in the order of the file.
    package var runs: [PipelineRun]
}

/// One run of a pipeline file.
package struct PipelineRun: Sendable {
    /// The name, unique in the file.
    package var name: String
    /// For which commits the run is created; nil for all.
    package var when: WhenCondition?
    /// The tasks in the order of the file; their dependencies form no circle.
    package var tasks: [PipelineTask] = []
}

/// One task of a run.
package struct PipelineTask: Sendable {
    /// The name, unique in the run.
    package var name: String
    /// Where the name stands in the file.
    package var position: SourcePosition
    /// The processor architecture that is needed; nil for any.
    package var architecture: String?
    /// The containers; the first one runs the steps.
    package var containers: [PipelineContainer] = []
    /// Variables of the task.
    package var environment: [String: PipelineValue] = [:]
    /// Where steps run; nil for the default.
    package var workingDirectory: String?
    /// The shell; nil for the default.
    package var shell: String?
    /// The user inside the container; nil for the container's.
    package var user: String?
    /// The steps in order.
    package var steps: [PipelineStep] = []
    /// What must have happened to other tasks before.
    package var depends: [PipelineDependency] = []
    /// Whether a failure leaves the run's result alone.
    package var ignoresFailure = false
    /// Whether somebody must approve the task.
    package var needsApproval = false
    /// For which commits the task is not skipped; nil for all.
    package var when: WhenCondition?
    /// The longest time for all steps, inherited from run and file; nil for no limit.
    package var timeout: Duration?
}

/// One container of a task.
package struct PipelineContainer: Sendable {
    /// The image, or `host`.
    package var image: String
    /// Variables of the container.
    package var environment: [String: PipelineValue] = [:]
    /// The user; nil for the image's own.
    package var user: String?
    /// Whether the container may do what only root of the host may.
    package var privileged = false
}

/// A value that is written in the file or taken from a variable of the project.
package enum PipelineValue: Sendable, Hashable {
    /// Written in the file.
    case literal(String)
    /// The value of a variable, empty where it is not available.
    case variable(String)
}

/// One step of a task.
package enum PipelineStep: Sendable {
    /// Fetches the commit.
    case clone(CloneOptions)
    /// Runs a command.
    case run(PipelineRunStep)
}

/// What a `clone` step may choose.
package struct CloneOptions: Sendable, Hashable {
    /// The name for people; nil for the usual one.
    package var name: String?
    /// How many commits of the history are fetched; nil for all.
    package var depth: Int?
    /// Whether submodules are fetched as well.
    package var recurseSubmodules: Bool

    /// Makes options; by default the whole history without submodules.
    package init(name: String? = nil, depth: Int? = nil, recurseSubmodules: Bool = false) {
        self.name = name
        self.depth = depth
        self.recurseSubmodules = recurseSubmodules
    }
}

/// A step that runs a command.
package struct PipelineRunStep: Sendable {
    /// The name for people.
    package var name: String
    /// The text given to the shell.
    package var command: String
    /// Variables of this step.
    package var environment: [String: PipelineValue] = [:]
    /// Where the command runs; nil for the task's.
    package var workingDirectory: String?
    /// The shell; nil for the task's.
    package var shell: String?
    /// Whether the command gets a terminal.
    package var tty = true
}

/// A task's dependency on another one.
package struct PipelineDependency: Sendable {
    /// The other task's name.
    package var task: String
    /// The outcomes that let this task run; any of them does.
    package var conditions: [DependCondition]
    /// Where the dependency stands in the file.
    package var position: SourcePosition
    /// Its place in the tree.
    package var path: DocumentPath
}
