import Base
package import Model

/// Makes a new run from one that has ended.
package enum RunRecreation {
    /// Whether the run may be restarted.
    package static func isAllowed(_ run: Run, fromStart: Bool) -> Bool {
        guard run.phase == .finished || run.phase == .cancelled else { return false }
        return fromStart || run.result != .success
    }

    /// The definition of the new run: recreated tasks have new identities, kept ones their old.
    /// - Parameters:
    ///   - old: the run to copy.
    ///   - id: the new definition's identity.
    ///   - fromStart: whether successful tasks run again, too.
    ///   - newID: gives a task its new identity.
    /// - Returns: the definition, which keeps everything else.
    package static func definition(
        from old: RunWithDefinition,
        id: RunDefinitionID,
        fromStart: Bool,
        newID: (TaskID) -> TaskID = { _ in .random() }
    ) -> RunDefinition {
        var definition = old.definition
        let recreated = tasksToRecreate(old, fromStart: fromStart)
        let renamed = Dictionary(uniqueKeysWithValues: recreated.map { ($0, newID($0)) })
        definition.id = id
        definition.tasks = [:]
        for (task, wanted) in old.definition.tasks {
            var wanted = wanted
            wanted.id = renamed[task] ?? task
            wanted.depends = Dictionary(
                uniqueKeysWithValues: wanted.depends.map { (renamed[$0.key] ?? $0.key, $0.value) }
            )
            definition.tasks[wanted.id] = wanted
        }
        return definition
    }

    /// The tasks of a new run: those kept from the old one with their outcome, the others not started.
    package static func tasks(of definition: RunDefinition, keepingFrom old: Run?) -> [TaskID: RunTask] {
        definition.tasks.mapValues { wanted in
            if let kept = old?.tasks[wanted.id] { return kept }
            return RunTask(
                id: wanted.id,
                name: wanted.name,
                status: wanted.skip ? .skipped : .notstarted,
                steps: wanted.steps.count
            )
        }
    }

    // All that did not succeed, and everything that depends on it.
    private static func tasksToRecreate(_ old: RunWithDefinition, fromStart: Bool) -> Set<TaskID> {
        let all = old.definition.tasks
        guard !fromStart else { return Set(all.keys) }
        var recreated = Set(all.keys.filter { old.run.tasks[$0]?.status != .success })
        while true {
            let more = all.values.filter { task in
                !recreated.contains(task.id) && task.depends.keys.contains { recreated.contains($0) }
            }
            if more.isEmpty { return recreated }
            recreated.formUnion(more.map(\.id))
        }
    }
}
