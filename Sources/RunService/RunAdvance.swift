import Base
package import FoundationEssentials
package import Model

/// Decides what a run does next: the heart of the runservice, and pure.
///
/// `advance` brings a run as far as it can go without the outside world. It is level-triggered: it looks at the states, not at
/// what changed, so calling it once more changes nothing.
package enum RunAdvance {
    /// What the run needs from the outside world after it has advanced.
    package struct Needs: Equatable, Sendable {
        /// Tasks that may be given to an executor now.
        package var runnable: [TaskID] = []
        /// Tasks on executors that have to stop.
        package var stopping: [TaskID] = []
    }

    /// Advances a running run.
    /// - Parameters:
    ///   - run: the run, whose tasks' states are up to date.
    ///   - definition: what it is made of.
    ///   - assigned: its tasks that executors hold.
    ///   - now: the time of what happens.
    /// - Returns: what the outside world has to do next.
    package static func advance(
        _ run: inout Run,
        definition: RunDefinition,
        assigned: Set<TaskID>,
        now: Date
    ) -> Needs {
        guard run.phase == .running else { return Needs() }
        var needs = Needs()
        while true {
            let before = run
            decideResult(&run, definition: definition)
            needs.runnable = advanceTasks(&run, definition: definition, assigned: assigned)
            if run == before { break }
        }
        if run.result != .unknown, assigned.isEmpty, run.tasks.values.allSatisfy(\.status.isFinished) {
            run.phase = .finished
            run.endTime = now
        }
        if run.stop { needs.stopping = assigned.sorted() }
        return needs
    }

    // A result never changes once it is known.
    private static func decideResult(_ run: inout Run, definition: RunDefinition) {
        guard run.result == .unknown else { return }
        let failed = run.tasks.values.contains { task in
            task.status == .failed && definition.tasks[task.id]?.ignoreFailure != true
        }
        if failed {
            run.result = .failed
        } else if run.stop {
            run.result = .stopped
        } else if run.tasks.values.allSatisfy(\.status.isFinished) {
            run.result = .success
        }
    }

    private static func advanceTasks(_ run: inout Run, definition: RunDefinition, assigned: Set<TaskID>) -> [TaskID] {
        var runnable: [TaskID] = []
        let frozen = run.tasks
        for id in frozen.keys.sorted() {
            guard let task = frozen[id], task.status == .notstarted, !assigned.contains(id),
                let wanted = definition.tasks[id]
            else { continue }
            switch decision(for: task, wanted, in: frozen, run: run) {
            case .wait: break
            case .end(let status):
                run.tasks[id]?.status = status
                run.tasks[id]?.waitingApproval = false
            case .askApproval: run.tasks[id]?.waitingApproval = true
            case .run: runnable.append(id)
            }
        }
        return runnable.sorted { (definition.tasks[$0]?.level ?? 0, $0) < (definition.tasks[$1]?.level ?? 0, $1) }
    }

    private enum Decision {
        case wait
        case end(TaskStatus)
        case askApproval
        case run
    }

    private static func decision(
        for task: RunTask,
        _ wanted: TaskDefinition,
        in tasks: [TaskID: RunTask],
        run: Run
    ) -> Decision {
        if run.stop { return .end(.skipped) }
        if run.result != .unknown, wanted.depends.isEmpty { return .end(.cancelled) }
        let parents = wanted.depends.keys.compactMap { tasks[$0] }
        guard parents.allSatisfy(\.status.isFinished) else { return .wait }
        let holds = parents.allSatisfy { isSatisfied(by: $0.status, conditions: wanted.depends[$0.id] ?? []) }
        guard holds else { return .end(.skipped) }
        if wanted.needsApproval, !task.approved { return task.waitingApproval ? .wait : .askApproval }
        return .run
    }

    /// Whether a finished parent satisfies at least one of the conditions; no conditions mean success.
    package static func isSatisfied(by parent: TaskStatus, conditions: [DependCondition]) -> Bool {
        let conditions = conditions.isEmpty ? [.onSuccess] : conditions
        return conditions.contains { condition in
            switch condition {
            case .onSuccess: parent == .success
            case .onFailure: parent == .failed
            case .onSkipped: parent == .skipped
            }
        }
    }
}
