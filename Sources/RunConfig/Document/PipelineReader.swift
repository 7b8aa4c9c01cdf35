import StrictYAML

/// Turns the tree of a pipeline file into checked values; every problem goes to the diagnostics and the reading goes on.
final class PipelineReader {
    /// Names longer than this are refused.
    static let maximumName = 100
    /// Checking the graph costs more than linearly in the number of tasks.
    static let maximumTasks = 2000

    let file: ConfigFile
    let diagnostics: Diagnostics
    /// What the regular expressions of the whole file may still cost.
    var regexBudget = 50_000

    init(file: ConfigFile, diagnostics: Diagnostics) {
        self.file = file
        self.diagnostics = diagnostics
    }

    func runs(_ root: NodeReader) -> [PipelineRun] {
        guard let mapping = root.mapping() else { return [] }
        refuseRegistries(in: mapping)
        let timeout = timeout(in: mapping)
        var runs: [PipelineRun] = []
        if let list = mapping.required("runs")?.list() {
            if list.isEmpty { mapping.required("runs")?.error("at least one run is needed") }
            var names = UniqueNames("run")
            runs = list.compactMap { run($0, timeout: timeout, names: &names) }
        }
        mapping.finish()
        return runs
    }

    private func run(_ node: NodeReader, timeout: Duration?, names: inout UniqueNames) -> PipelineRun? {
        guard let mapping = node.mapping() else { return nil }
        refuseRegistries(in: mapping)
        let name = name(in: mapping, &names)
        var run = PipelineRun(name: name ?? "", when: when(in: mapping))
        let inherited = self.timeout(in: mapping) ?? timeout
        if let list = mapping.optional("tasks")?.list() {
            var taskNames = UniqueNames("task")
            run.tasks = list.compactMap { task($0, timeout: inherited, names: &taskNames) }
            checkGraph(run.tasks, in: list)
        }
        mapping.finish()
        return run
    }

    private func checkGraph(_ tasks: [PipelineTask], in list: [NodeReader]) {
        guard tasks.count <= Self.maximumTasks else {
            list[Self.maximumTasks].error("a run has at most \(Self.maximumTasks) tasks")
            return
        }
        TaskGraph(tasks).check(into: diagnostics)
    }

    private func task(_ node: NodeReader, timeout: Duration?, names: inout UniqueNames) -> PipelineTask? {
        guard let mapping = node.mapping() else { return nil }
        refuseRegistries(in: mapping)
        let name = name(in: mapping, &names)
        var task = PipelineTask(name: name ?? "", position: mapping.value("name")?.node.position ?? mapping.position)
        if let runtime = mapping.required("runtime") { self.runtime(runtime, into: &task) }
        task.environment = mapping.optional("environment").map(values) ?? [:]
        task.workingDirectory = text(mapping.optional("working_dir"), coercing: true)
        task.shell = text(mapping.optional("shell"), coercing: true)
        task.user = text(mapping.optional("user"), coercing: true)
        task.steps = mapping.optional("steps")?.list()?.compactMap(step) ?? []
        task.depends = mapping.optional("depends")?.list()?.compactMap(dependency) ?? []
        task.ignoresFailure = mapping.optional("ignore_failure")?.bool() ?? false
        task.needsApproval = mapping.optional("approval")?.bool() ?? false
        task.when = when(in: mapping)
        task.timeout = (self.timeout(in: mapping) ?? timeout).flatMap { $0 == .zero ? nil : $0 }
        mapping.finish()
        return task
    }
}

extension PipelineReader {
    /// A text that can be given to a process; nil when it is absent, empty or wrong.
    func text(_ node: NodeReader?, coercing: Bool) -> String? {
        guard let node, let text = node.string(coercing: coercing), !text.isEmpty else { return nil }
        return check(text, at: node)
    }

    /// Refuses what no process can be given.
    func check(_ text: String, at node: NodeReader) -> String? {
        guard text.utf8.contains(0) else { return text }
        node.error("the character U+0000 cannot be given to a process")
        return nil
    }

    private func name(in mapping: MappingReader, _ names: inout UniqueNames) -> String? {
        guard let node = mapping.required("name"), let name = node.nonEmptyString(coercing: true) else { return nil }
        if name.utf8.count > Self.maximumName {
            node.error("a name has at most \(Self.maximumName) bytes; this one has \(name.utf8.count)")
        }
        names.add(name, at: node)
        return check(name, at: node)
    }

    private func timeout(in mapping: MappingReader) -> Duration? {
        mapping.optional("task_timeout_interval")?.duration(numbersAreNanoseconds: true)
    }
}

/// Finds the second use of a name.
struct UniqueNames {
    private let kind: String
    private var positions: [String: SourcePosition] = [:]

    init(_ kind: String) {
        self.kind = kind
    }

    mutating func add(_ name: String, at node: NodeReader) {
        if let first = positions[name] {
            node.error(
                "duplicate \(kind) name \"\(name)\"; it is already used at line \(first.line), column \(first.column)"
            )
        } else {
            positions[name] = node.node.position
        }
    }
}
