import Model
import StrictYAML

extension PipelineReader {
    func when(in mapping: MappingReader) -> WhenCondition? {
        guard let node = mapping.optional("when") else { return nil }
        let condition = when(node)
        if let condition, !condition.canMatch, !diagnostics.hasErrors {
            node.warning("this condition never matches: it includes nothing")
        }
        return condition
    }

    func when(_ node: NodeReader) -> WhenCondition? {
        guard let mapping = node.mapping() else { return nil }
        let condition = WhenCondition(
            branch: mapping.optional("branch").flatMap(patterns),
            tag: mapping.optional("tag").flatMap(patterns),
            ref: mapping.optional("ref").flatMap(patterns)
        )
        mapping.finish()
        return condition
    }

    private func patterns(_ node: NodeReader) -> WhenCondition.Patterns? {
        switch node.node.content {
        case .scalar, .sequence: return WhenCondition.Patterns(include: patternList(node))
        case .mapping:
            guard let mapping = node.mapping() else { return nil }
            let include = mapping.optional("include").map(patternList) ?? []
            let exclude = mapping.optional("exclude").map(patternList) ?? []
            // Here Agola refuses unknown keys as well.
            mapping.finish(unknownKeys: .error)
            return WhenCondition.Patterns(include: include, exclude: exclude)
        }
    }

    private func patternList(_ node: NodeReader) -> [WhenCondition.Pattern] {
        switch node.node.content {
        case .sequence: (node.list() ?? []).compactMap(pattern)
        case .scalar: pattern(node).map { [$0] } ?? []
        case .mapping: node.expected("text or a list of texts") ?? []
        }
    }

    private func pattern(_ node: NodeReader) -> WhenCondition.Pattern? {
        // An exhausted budget is reported once; what follows is not even compiled.
        guard let text = node.string(), regexBudget >= 0 else { return nil }
        do throws(RegexError) {
            let pattern = try WhenCondition.Pattern(text)
            if case .regex(let regex) = pattern { regexBudget -= regex.cost }
            if regexBudget < 0 { node.error("the regular expressions of this file are too big together") }
            return pattern
        } catch {
            node.error("bad regular expression \(text.prefix(60)): \(error)")
            return nil
        }
    }

    /// A dependency as `NAME`, `{NAME: [CONDITION, …]}` or `{task: NAME, conditions: [CONDITION, …]}`.
    func dependency(_ node: NodeReader) -> PipelineDependency? {
        switch node.node.content {
        case .scalar:
            guard let name = node.nonEmptyString() else { return nil }
            return PipelineDependency(name, [.onSuccess], at: node.node.position, node.path)
        case .sequence: return node.expected("the name of a task or {TASK: [CONDITION, …]}")
        case .mapping(let entries):
            if entries.count == 1, case .sequence = entries[0].value.content {
                let conditions = NodeReader(
                    entries[0].value,
                    path: node.path.key(entries[0].key),
                    diagnostics: diagnostics
                )
                return PipelineDependency(
                    entries[0].key,
                    self.conditions(conditions),
                    at: entries[0].position,
                    node.path
                )
            }
            return fullDependency(node)
        }
    }

    private func fullDependency(_ node: NodeReader) -> PipelineDependency? {
        guard let mapping = node.mapping() else { return nil }
        defer { mapping.finish() }
        let task = mapping.required("task")
        let conditions = mapping.optional("conditions").map(self.conditions) ?? [.onSuccess]
        guard let task, let name = task.nonEmptyString() else { return nil }
        return PipelineDependency(name, conditions, at: task.node.position, node.path)
    }

    private func conditions(_ node: NodeReader) -> [DependCondition] {
        let given = node.list()?.compactMap { $0.enumeration(DependCondition.self) } ?? []
        return given.isEmpty ? [.onSuccess] : DependCondition.allCases.filter(given.contains)
    }
}

extension PipelineDependency {
    init(_ task: String, _ conditions: [DependCondition], at position: SourcePosition, _ path: DocumentPath) {
        self.init(task: task, conditions: conditions, position: position, path: path)
    }
}
