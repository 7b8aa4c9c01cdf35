import StrictYAML

extension PipelineReader {
    /// The kinds of steps as they are written.
    enum StepKind: String, CaseIterable {
        case clone
        case run
        case saveToWorkspace = "save_to_workspace"
        case restoreWorkspace = "restore_workspace"
        case saveCache = "save_cache"
        case restoreCache = "restore_cache"
    }

    /// A step in one of its two spellings: `{type: KIND, …}` or `{KIND: …}`.
    func step(_ node: NodeReader) -> PipelineStep? {
        guard case .mapping(let entries) = node.node.content, let mapping = node.mapping() else {
            return node.expected("a step such as {run: COMMAND} or {clone: }")
        }
        if let type = mapping.value("type") {
            guard let kind = type.enumeration(StepKind.self) else { return nil }
            return step(kind, in: mapping, at: type)
        }
        guard let entry = entries.first else { return node.expected("a step, which has a kind", hint: " without keys") }
        guard entries.count == 1 else {
            severalKinds(entries.map(\.key), at: node)
            return nil
        }
        guard let body = mapping.value(entry.key) else { return nil }
        guard let kind = StepKind(rawValue: entry.key) else {
            unknownKind(entry, at: node)
            return nil
        }
        return step(kind, body: body, at: entry.position)
    }

    private func severalKinds(_ keys: [String], at node: NodeReader) {
        let kind = keys.first { StepKind(rawValue: $0) != nil }
        let hint = kind.map {
            "; to give a \($0) step more keys, write \"type: \($0)\" or indent them below \"\($0):\""
        }
        node.error(
            "a step without \"type\" has one key, its kind; found \(keys.prefix(5).joined(separator: ", "))\(hint ?? "")"
        )
    }

    private func unknownKind(_ entry: YAMLEntry, at node: NodeReader) {
        let kinds = StepKind.allCases.map(\.rawValue)
        let hint = Spelling.suggestion(for: entry.key, among: kinds).map { "; did you mean \"\($0)\"?" }
        let shown = entry.key.prefix(60)
        diagnostics.error(
            "unknown kind of step \"\(shown)\"" + (hint ?? "; there are " + kinds.joined(separator: ", ")),
            at: entry.position,
            path: node.path.description
        )
    }

    private func step(_ kind: StepKind, body: NodeReader, at position: SourcePosition) -> PipelineStep? {
        switch kind {
        case .clone where body.isNull: return .clone(CloneOptions())
        case .run:
            if case .scalar = body.node.content {
                return command(body).flatMap { command in
                    name(nil, of: command, at: body).map { .run(PipelineRunStep(name: $0, command: command)) }
                }
            }
        default: break
        }
        guard kind == .clone || kind == .run else {
            refuse(kind, at: position, path: body.path)
            return nil
        }
        guard let mapping = body.mapping() else { return nil }
        return step(kind, in: mapping, at: body)
    }

    private func step(_ kind: StepKind, in mapping: MappingReader, at node: NodeReader) -> PipelineStep? {
        switch kind {
        case .clone: return .clone(clone(in: mapping))
        case .run: return run(in: mapping).map { .run($0) }
        default:
            refuse(kind, at: node.node.position, path: node.path)
            return nil
        }
    }

    private func refuse(_ kind: StepKind, at position: SourcePosition, path: DocumentPath) {
        diagnostics.error("\(kind.rawValue) steps are not supported yet", at: position, path: path.description)
    }

    private func clone(in mapping: MappingReader) -> CloneOptions {
        let name = text(mapping.optional("name"), coercing: false)
        let depth = mapping.optional("depth")?.integer(in: 1...Int(Int32.max))
        let recurses = mapping.optional("recurse_submodules")?.bool() ?? false
        stepWhen(in: mapping)
        mapping.finish()
        return CloneOptions(name: name, depth: depth, recurseSubmodules: recurses)
    }

    private func run(in mapping: MappingReader) -> PipelineRunStep? {
        let commandNode = mapping.required("command")
        let command = commandNode.flatMap(command)
        let given = text(mapping.optional("name"), coercing: false)
        var step = PipelineRunStep(name: given ?? "", command: command ?? "")
        if let command, let commandNode { step.name = name(given, of: command, at: commandNode) ?? "" }
        step.environment = mapping.optional("environment").map(values) ?? [:]
        step.workingDirectory = text(mapping.optional("working_dir"), coercing: false)
        step.shell = text(mapping.optional("shell"), coercing: false)
        step.tty = mapping.optional("tty")?.bool() ?? true
        stepWhen(in: mapping)
        mapping.finish()
        return command == nil ? nil : step
    }

    private func command(_ node: NodeReader) -> String? {
        node.nonEmptyString().flatMap { check($0, at: node) }
    }

    /// The name for people: the given one, or the beginning of a command of one line.
    private func name(_ given: String?, of command: String, at node: NodeReader) -> String? {
        if let given { return given }
        guard !command.contains("\n") else {
            node.error(
                "a command of several lines needs a name; write {name: …, command: …} (a final line break counts)"
            )
            return nil
        }
        var name = ""
        for character in command where name.utf8.count < Self.maximumName {
            guard name.utf8.count + character.utf8.count <= Self.maximumName else { break }
            name.append(character)
        }
        return name
    }

    /// Steps are never skipped: a condition on one is a mistake that Agola does not notice.
    private func stepWhen(in mapping: MappingReader) {
        guard let node = mapping.optional("when") else { return }
        _ = when(node)
        let message = "a step cannot have a condition; put \"when\" on the task"
        if file.isAgola {
            node.warning(message + ". It is ignored, as Agola does")
        } else {
            node.error(message)
        }
    }
}
