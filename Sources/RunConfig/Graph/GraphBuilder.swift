package import Base
package import Model

/// Makes the runs of a checked pipeline file for one commit; pure but for the new identities, which come from a parameter.
package struct GraphBuilder {
    /// One run to create.
    package struct Graph: Sendable {
        /// The run's name.
        package let name: String
        /// The tasks by identity, with levels and variables resolved.
        package let tasks: [TaskID: TaskDefinition]
        /// The values of variables that the tasks use: they must not appear in logs.
        package let usedSecrets: [SecretValue]
    }

    private let document: PipelineDocument
    private let newID: () -> TaskID

    /// Builds from a document.
    /// - Parameters:
    ///   - document: the file, found to be right.
    ///   - newID: gives the next task its identity.
    package init(document: PipelineDocument, newID: @escaping () -> TaskID = { .random() }) {
        self.document = document
        self.newID = newID
    }

    /// The runs whose `when` matches the commit, in the order of the file.
    /// - Parameters:
    ///   - context: the commit.
    ///   - variables: the variables that values may name; those that are missing are empty.
    /// - Returns: one graph for each run to create.
    package func graphs(context: RunContext, variables: [String: String]) -> [Graph] {
        document.runs.filter { $0.when?.matches(context) ?? true }.map { run in
            var builder = RunBuilder(context: context, variables: variables, newID: newID)
            let tasks = builder.tasks(of: run)
            return Graph(name: run.name, tasks: tasks, usedSecrets: builder.usedSecrets)
        }
    }
}

/// Builds one run.
private struct RunBuilder {
    let context: RunContext
    let variables: [String: String]
    let newID: () -> TaskID
    private var used: Set<String> = []

    init(context: RunContext, variables: [String: String], newID: @escaping () -> TaskID) {
        self.context = context
        self.variables = variables
        self.newID = newID
    }

    var usedSecrets: [SecretValue] {
        used.compactMap { variables[$0] }.filter { !$0.isEmpty }.sorted().map(SecretValue.init)
    }

    mutating func tasks(of run: PipelineRun) -> [TaskID: TaskDefinition] {
        let ids = Dictionary(uniqueKeysWithValues: run.tasks.map { ($0.name, newID()) })
        let levels = TaskGraph(run.tasks).levels()
        var tasks: [TaskID: TaskDefinition] = [:]
        for (task, level) in zip(run.tasks, levels) {
            guard let id = ids[task.name] else { continue }
            var definition = definition(task, id: id)
            definition.level = level ?? 0
            for dependency in task.depends {
                guard let parent = ids[dependency.task] else { continue }
                definition.depends[parent] = dependency.conditions.isEmpty ? [.onSuccess] : dependency.conditions
            }
            tasks[id] = definition
        }
        return tasks
    }

    private mutating func definition(_ task: PipelineTask, id: TaskID) -> TaskDefinition {
        var containers: [ContainerDefinition] = []
        for container in task.containers {
            containers.append(
                ContainerDefinition(
                    image: container.image,
                    environment: resolved(container.environment),
                    user: container.user,
                    privileged: container.privileged
                )
            )
        }
        let runtime = TaskRuntime(architecture: task.architecture, containers: containers)
        var definition = TaskDefinition(id: id, name: task.name, runtime: runtime)
        definition.environment = resolved(task.environment)
        definition.workingDirectory = task.workingDirectory ?? definition.workingDirectory
        definition.shell = task.shell ?? definition.shell
        definition.user = task.user ?? task.containers.first?.user
        definition.ignoreFailure = task.ignoresFailure
        definition.needsApproval = task.needsApproval
        definition.skip = !(task.when?.matches(context) ?? true)
        definition.timeout = task.timeout.map { WireDuration($0) }
        for step in task.steps { definition.steps.append(.run(self.step(step))) }
        return definition
    }

    private mutating func step(_ step: PipelineStep) -> RunStep {
        switch step {
        case .clone(let options):
            return CloneScript.step(options)
        case .run(let run):
            return RunStep(
                name: run.name,
                command: run.command,
                environment: resolved(run.environment),
                workingDirectory: run.workingDirectory,
                shell: run.shell,
                tty: run.tty
            )
        }
    }

    private mutating func resolved(_ values: [String: PipelineValue]) -> [String: String] {
        for case .variable(let name) in values.values { used.insert(name) }
        return values.mapValues { value in
            switch value {
            case .literal(let text): text
            case .variable(let name): variables[name] ?? ""
            }
        }
    }
}
