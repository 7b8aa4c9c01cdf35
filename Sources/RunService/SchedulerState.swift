import Base
package import FoundationEssentials
package import Model

/// Everything that lives: runs that have not ended, executors, and which executor holds which task.
///
/// `handle(event, now)` changes the state and returns the effects that make the change real; it knows no clock, no disk and no
/// chance. A daemon commits the effects in one batch, or throws the changed state away.
package struct SchedulerState: Sendable {
    /// A run that has not ended, with what it is made of.
    package struct ActiveRun: Sendable, Equatable {
        package var run: Run
        package var definition: RunDefinition

        /// Pairs the two.
        package init(run: Run, definition: RunDefinition) {
            self.run = run
            self.definition = definition
        }
    }

    /// An executor that has registered.
    package struct ExecutorState: Sendable, Equatable {
        package var registration: ExecutorRegistration
        package var lastSeen: Date

        /// Describes an executor.
        package init(registration: ExecutorRegistration, lastSeen: Date) {
            self.registration = registration
            self.lastSeen = lastSeen
        }
    }

    /// Where a task runs.
    package struct Assignment: Sendable, Equatable, Codable {
        package var spec: ExecutorTaskSpec
        package var status: ExecutorTaskStatus
    }

    /// The runs by identity.
    package private(set) var runs: [RunID: ActiveRun] = [:]
    /// The executors by identity.
    package private(set) var executors: [ExecutorID: ExecutorState] = [:]
    /// The tasks that executors hold.
    package private(set) var assignments: [TaskID: Assignment] = [:]
    private var groups: [String: GroupQueue] = [:]
    private var waiting = WaitingTasks()
    private var load: [ExecutorID: Int] = [:]

    /// An empty state.
    package init() {}

    /// The state as it was stored; running runs are brought up to date by the first event.
    package init(runs: [ActiveRun], executors: [ExecutorID: ExecutorState], assignments: [Assignment]) {
        self.executors = executors
        for active in runs.sorted(by: { $0.run.sequence < $1.run.sequence }) {
            self.runs[active.run.id] = active
            groups[active.run.group, default: GroupQueue()].enter(active.run)
        }
        for assignment in assignments { assign(assignment) }
    }

    /// Applies an event.
    /// - Returns: the effects that make the change real.
    /// - Throws: ``APIError`` when the event is refused; the state is unchanged then.
    package mutating func handle(_ event: SchedulerEvent, now: Date) throws -> [SchedulerEffect] {
        var effects = SchedulerEffects()
        switch event {
        case .created(let run, let definition): create(run, definition, now, &effects)
        case .cancel(let id): try cancel(id, now, &effects)
        case .stop(let id): try stop(id, now, &effects)
        case .approve(let id, let task, let user): try approve(task, of: id, by: user, now, &effects)
        case .executorSeen(let id, let registration): see(id, registration, now, &effects)
        case .executorDeleted(let id): try delete(id, now, &effects)
        case .reported(let task, let attempt, let executor, let status):
            try report(task, attempt: attempt, from: executor, status, now, &effects)
        case .tick(let timeout): tick(timeout, now, &effects)
        }
        place(now, &effects)
        return effects.list(runs: runs, assignments: assignments, executors: executors, now: now)
    }

    /// What to do for a task that its executor may not know yet; nil for others.
    package func specData(of assignment: Assignment) -> ExecutorTaskSpecData? {
        guard assignment.status.phase == .notstarted, let active = runs[assignment.spec.run],
            let task = active.definition.tasks[assignment.spec.id]
        else { return nil }
        return ExecutorTaskSpecData(task: task, definition: active.definition, runNumber: active.run.number)
    }
}

// MARK: - Runs

extension SchedulerState {
    private mutating func create(
        _ run: Run,
        _ definition: RunDefinition,
        _ now: Date,
        _ effects: inout SchedulerEffects
    ) {
        effects.created(run, now)
        guard !run.phase.isFinished else { return effects.ended(run) }
        runs[run.id] = ActiveRun(run: run, definition: definition)
        effects.saved(run.id)
        groups[run.group, default: GroupQueue()].enter(run)
        startNext(in: run.group, now, &effects)
    }

    private mutating func startNext(in group: String, _ now: Date, _ effects: inout SchedulerEffects) {
        guard let next = groups[group]?.startNext() else {
            if groups[group]?.isEmpty == true { groups[group] = nil }
            return
        }
        runs[next]?.run.phase = .running
        runs[next]?.run.startTime = now
        effects.runChanged(next)
        advance(next, now, &effects)
    }

    private mutating func cancel(_ id: RunID, _ now: Date, _ effects: inout SchedulerEffects) throws {
        guard var active = runs[id], active.run.phase == .queued else {
            throw refusal(of: "cancelled", id, wanted: "queued")
        }
        active.run.phase = .cancelled
        active.run.endTime = now
        for task in active.run.tasks.keys where active.run.tasks[task]?.status == .notstarted {
            active.run.tasks[task]?.status = .cancelled
        }
        runs[id] = active
        effects.runChanged(id)
        end(id, now, &effects)
    }

    private mutating func stop(_ id: RunID, _ now: Date, _ effects: inout SchedulerEffects) throws {
        guard let active = runs[id], active.run.phase == .running else {
            throw refusal(of: "stopped", id, wanted: "running")
        }
        guard !active.run.stop else { return }
        runs[id]?.run.stop = true
        for task in active.run.tasks.keys { runs[id]?.run.tasks[task]?.waitingApproval = false }
        effects.runChanged(id)
        advance(id, now, &effects)
    }

    private func refusal(of what: String, _ id: RunID, wanted: String) -> APIError {
        guard let active = runs[id] else {
            return APIError(
                .badRequest,
                code: "runNotActive",
                "Only a \(wanted) run can be \(what); this one has ended."
            )
        }
        return APIError(
            .badRequest,
            code: "runPhaseRefused",
            "Only a \(wanted) run can be \(what); this one is \(active.run.phase.rawValue)."
        )
    }

    private mutating func approve(
        _ task: TaskID,
        of id: RunID,
        by user: UserID,
        _ now: Date,
        _ effects: inout SchedulerEffects
    ) throws {
        guard let state = runs[id]?.run.tasks[task] else {
            throw APIError(.badRequest, code: "runTaskDoesNotExist", "The run has no such task that could be approved.")
        }
        guard !state.approved else {
            throw APIError(.badRequest, code: "runTaskAlreadyApproved", "The task is approved already.")
        }
        guard state.waitingApproval else {
            throw APIError(.badRequest, code: "runTaskNotWaitingApproval", "The task is not waiting for an approval.")
        }
        runs[id]?.run.tasks[task]?.waitingApproval = false
        runs[id]?.run.tasks[task]?.approved = true
        runs[id]?.run.tasks[task]?.annotations["approvers"] = "[\"\(user)\"]"
        effects.taskChanged(task, of: id)
        advance(id, now, &effects)
    }

    private mutating func advance(_ id: RunID, _ now: Date, _ effects: inout SchedulerEffects) {
        guard var active = runs[id] else { return }
        let before = active.run
        let assigned = Set(active.run.tasks.keys.filter { assignments[$0] != nil })
        let needs = RunAdvance.advance(&active.run, definition: active.definition, assigned: assigned, now: now)
        runs[id] = active
        if active.run.phase != before.phase || active.run.result != before.result { effects.runChanged(id) }
        for (task, state) in active.run.tasks where state != before.tasks[task] { effects.taskChanged(task, of: id) }
        waiting.set(needs.runnable, of: active.run)
        for task in needs.stopping where assignments[task]?.spec.stop == false {
            assignments[task]?.spec.stop = true
            effects.assignmentChanged(task, waking: assignments[task]?.spec.executor)
        }
        if active.run.phase.isFinished { end(id, now, &effects) }
    }

    private mutating func end(_ id: RunID, _ now: Date, _ effects: inout SchedulerEffects) {
        guard let active = runs.removeValue(forKey: id) else { return }
        waiting.set([], of: active.run)
        groups[active.run.group]?.leave(id)
        effects.ended(active.run)
        startNext(in: active.run.group, now, &effects)
    }
}

// MARK: - Executors

extension SchedulerState {
    private mutating func see(
        _ id: ExecutorID,
        _ registration: ExecutorRegistration,
        _ now: Date,
        _ effects: inout SchedulerEffects
    ) {
        if executors[id]?.registration != registration { effects.executorChanged(id) }
        executors[id] = ExecutorState(registration: registration, lastSeen: now)
    }

    private mutating func delete(_ id: ExecutorID, _ now: Date, _ effects: inout SchedulerEffects) throws {
        guard executors[id] != nil else {
            throw APIError(.notExist, code: "executorDoesNotExist", "There is no executor \(id).")
        }
        lose(id, because: "executor deleted", now, &effects)
    }

    private mutating func tick(_ timeout: TimeInterval, _ now: Date, _ effects: inout SchedulerEffects) {
        for (id, executor) in executors where now.timeIntervalSince(executor.lastSeen) > timeout {
            lose(id, because: "executor lost", now, &effects)
        }
        for task in assignments.values where executors[task.spec.executor] == nil {
            lose(task.spec.executor, because: "executor lost", now, &effects)
        }
        for id in runs.keys.sorted() { advance(id, now, &effects) }
    }

    private mutating func lose(
        _ id: ExecutorID,
        because reason: String,
        _ now: Date,
        _ effects: inout SchedulerEffects
    ) {
        if executors.removeValue(forKey: id) != nil { effects.executorChanged(id) }
        for assignment in assignments.values.filter({ $0.spec.executor == id }) {
            var status = assignment.status
            status.fail(reason, at: now)
            accept(status, of: assignment, now, &effects)
        }
    }

    private mutating func report(
        _ task: TaskID,
        attempt: Int,
        from executor: ExecutorID,
        _ status: ExecutorTaskStatus,
        _ now: Date,
        _ effects: inout SchedulerEffects
    ) throws {
        let assignment = try Self.checked(assignments[task], of: task, attempt: attempt, to: executor)
        executors[executor]?.lastSeen = now
        guard status.steps.count == assignment.status.steps.count else {
            throw APIError(.badRequest, "The report has another number of steps than the task.")
        }
        guard !(assignment.status.phase == .running && status.phase == .notstarted) else { return }
        accept(status, of: assignment, now, &effects)
    }

    /// The assignment that an executor speaks of, if it is the current one.
    /// - Throws: ``APIError`` with code `attemptSuperseded` when the attempt is not the current one, or of kind `notExist`.
    static func checked(
        _ current: Assignment?,
        of task: TaskID,
        attempt: Int,
        to executor: ExecutorID
    ) throws -> Assignment {
        guard let assignment = current else {
            throw APIError(.notExist, code: "executorTaskDoesNotExist", "No executor holds the task \(task).")
        }
        guard assignment.spec.attempt == attempt, assignment.spec.executor == executor else {
            throw APIError(.badRequest, code: "attemptSuperseded", "The task \(task) was given to another attempt.")
        }
        return assignment
    }

    private mutating func accept(
        _ status: ExecutorTaskStatus,
        of assignment: Assignment,
        _ now: Date,
        _ effects: inout SchedulerEffects
    ) {
        let task = assignment.spec.id
        let run = assignment.spec.run
        assignments[task]?.status = status
        runs[run]?.run.tasks[task]?.take(status)
        effects.taskChanged(task, of: run)
        if status.phase.isFinished {
            assignments[task] = nil
            load[assignment.spec.executor, default: 1] -= 1
            effects.assignmentChanged(task, waking: assignment.spec.executor)
            advance(run, now, &effects)
        } else {
            effects.assignmentChanged(task, waking: nil)
        }
    }

    private mutating func assign(_ assignment: Assignment) {
        assignments[assignment.spec.id] = assignment
        load[assignment.spec.executor, default: 0] += 1
    }

    // Gives waiting tasks to executors, the oldest run's first.
    private mutating func place(_ now: Date, _ effects: inout SchedulerEffects) {
        guard !waiting.isEmpty else { return }
        var slots = ExecutorChoice(executors: executors, load: load)
        // A long queue before busy executors is the usual case: it costs nothing then.
        for entry in slots.isFull ? [] : waiting.ordered {
            if slots.isFull { return }
            guard let task = runs[entry.run]?.definition.tasks[entry.task], let executor = slots.take(for: task) else {
                continue
            }
            waiting.remove(entry)
            let attempt = (runs[entry.run]?.run.tasks[entry.task]?.attempt ?? 0) + 1
            runs[entry.run]?.run.tasks[entry.task]?.attempt = attempt
            assign(
                Assignment(
                    spec: ExecutorTaskSpec(id: entry.task, run: entry.run, executor: executor, attempt: attempt),
                    status: ExecutorTaskStatus(steps: task.steps.count)
                )
            )
            effects.saved(entry.run)
            effects.assignmentChanged(entry.task, waking: executor)
        }
    }
}
