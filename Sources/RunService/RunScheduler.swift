package import Base
package import FoundationEssentials
import Logging
package import Model
package import Store

/// Runs the scheduler's state over the store: takes events one batch at a time, commits their effects, then answers.
///
/// All events that arrived during a commit go into the next one, so that one sync of the disk serves many runs. Nothing is answered
/// before it is on disk. When a commit fails, the state is read again: what is stored is the truth.
package actor RunScheduler {
    private struct Command {
        let event: SchedulerRequest
        let answer: CheckedContinuation<Run?, any Error>
    }

    private let store: ServiceStore
    private let now: @Sendable () -> Date
    private var state = SchedulerState()
    private var published = PublishedWork()
    private var ledger = SchedulerLedger()
    private var versions: [ExecutorID: Int64] = [:]
    private var waiting: [Command] = []
    private var isClosed = false
    // Whether the state holds changes that were never stored; it has to be read again before anything is decided on it.
    private var isStale = false
    private let arrivals = Bell()
    private let work = Bell()
    private let onTaskEnded: @Sendable (TaskID) async -> Void

    /// Makes a scheduler; ``load()`` comes next.
    /// - Parameters:
    ///   - store: holds the state.
    ///   - now: tells the time.
    ///   - onTaskEnded: called when a task ended without its executor's word, after that is on disk.
    package init(
        store: ServiceStore,
        now: @escaping @Sendable () -> Date = { Date() },
        onTaskEnded: @escaping @Sendable (TaskID) async -> Void = { _ in }
    ) {
        self.store = store
        self.now = now
        self.onTaskEnded = onTaskEnded
    }

    /// Hands an event in and waits until its effects are on disk.
    /// - Returns: the run that a ``SchedulerRequest/create(_:_:)`` made.
    /// - Throws: ``APIError`` when the event is refused, or `unavailable` when it could not be stored.
    @discardableResult
    package func submit(_ request: SchedulerRequest) async throws -> Run? {
        guard !isClosed else { throw Self.closing }
        return try await withCheckedThrowingContinuation { continuation in
            waiting.append(Command(event: request, answer: continuation))
            arrivals.ring()
        }
    }

    /// Handles events until the task is cancelled; those that wait then are refused.
    package func run() async throws {
        defer { close() }
        while true {
            let seen = arrivals.count
            let commands = waiting
            waiting = []
            if commands.isEmpty {
                try await arrivals.wait(beyond: seen)
            } else {
                await process(commands)
            }
        }
    }

    /// Reads the state from the store.
    package func load() async throws {
        let loaded = try await attempt("load the scheduler's state") { try await store.read(SchedulerSnapshot.init) }
        state = loaded.state(seenAt: now())
        ledger = loaded.ledger
        isStale = false
        published = PublishedWork(loaded: state)
        for executor in state.executors.keys { bumpVersion(of: executor) }
    }

    /// The assignment that an executor speaks of.
    /// - Throws: ``APIError`` with code `attemptSuperseded`, or of kind `notExist`.
    package func assignment(of task: TaskID, attempt: Int, to executor: ExecutorID) throws -> SchedulerState.Assignment
    {
        try published.assignment(of: task, attempt: attempt, to: executor)
    }

    /// The tasks that executors hold.
    package var assignedTasks: Set<TaskID> { published.tasks }

    /// An executor's work, once its version is another one than `version` or the deadline has passed.
    /// - Throws: ``APIError`` of kind `notExist` when the executor has to register first.
    package func work(
        for executor: ExecutorID,
        after version: Int64,
        until deadline: Deadline
    ) async throws -> ExecutorWork {
        while true {
            let seen = work.count
            guard let current = versions[executor], published.knows(executor) else {
                throw APIError(
                    .notExist,
                    code: "executorDoesNotExist",
                    "The executor \(executor) has to register first."
                )
            }
            if current != version || deadline.isPast {
                return ExecutorWork(version: current, tasks: published.work(for: executor))
            }
            _ = try await work.wait(beyond: seen, until: deadline)
        }
    }

    private static let closing = APIError(.unavailable, "The runservice is stopping. Try again in a moment.")

    private func close() {
        isClosed = true
        for command in waiting { command.answer.resume(throwing: Self.closing) }
        waiting = []
    }
}

// MARK: - One batch

extension RunScheduler {
    private func process(_ commands: [Command]) async {
        do {
            try await process(commands, attempts: 5)
        } catch {
            let isExpected = StoreError.kind(of: error) == .maintenance
            Logger.current.log(level: isExpected ? .notice : .error, "scheduler commit failed", error: error)
            let refusal = Self.refusal(for: error)
            for command in commands { command.answer.resume(throwing: refusal) }
        }
    }

    private static func refusal(for error: any Error) -> APIError {
        // In maintenance the store's own word says what the caller has to wait for.
        if StoreError.kind(of: error) == .maintenance, let told = ErrorChain(error).first(APIError.self) { return told }
        return APIError(.unavailable, "The change could not be stored. Try again in a moment.", cause: error)
    }

    private func process(_ commands: [Command], attempts: Int) async throws {
        if isStale { try await load() }
        var facts = CreationFacts()
        for command in commands { try await prepare(command.event, &facts) }
        isStale = true
        var draft = ledger.draft()
        var outcomes: [(Command, Result<Run?, any Error>)] = []
        var effects: [SchedulerEffect] = []
        for command in commands {
            let outcome = Result { try apply(command.event, given: facts, to: &draft, &effects) }
            outcomes.append((command, outcome))
        }
        do {
            try await commit(draft)
            isStale = false
        } catch let error as StoreError where error.kind == .conflict && attempts > 1 {
            // Another process wrote to the store: start again from what it wrote.
            return try await process(commands, attempts: attempts - 1)
        }
        published.publish(effects, state)
        await finish(effects, sealed: Set(commands.compactMap(\.event.reportedTask)))
        for (command, outcome) in outcomes { command.answer.resume(with: outcome) }
    }

    /// What the store says of runs that are to be created.
    private struct CreationFacts {
        /// Ended runs that others were to be made from, and that are gone.
        var missing: Set<RunID> = []
        /// Runs that were made from their definitions already.
        var existing: [RunDefinitionID: Run] = [:]
    }

    private func prepare(_ request: SchedulerRequest, _ facts: inout CreationFacts) async throws {
        guard case .create(let template, let definition, let source) = request else { return }
        facts.existing[definition.id] = try await RunQueries(store: store).run(of: definition.id)
        if let source, try await store.read({ try $0.record(type: RunKeys.run, id: source.text) }) == nil {
            facts.missing.insert(source)
        }
        for id in [RunKeys.sequence, RunGroup.root(of: template.group)] where !ledger.knows(counter: id) {
            let stored = try await store.read { tx in try tx.record(type: RunKeys.counter, id: id) }
            let value = try stored.map { try JSONCoding.decode(Int64.self, from: $0.data) } ?? 0
            ledger.note(counter: id, value: value, stored?.revision)
        }
    }

    private func apply(
        _ request: SchedulerRequest,
        given facts: CreationFacts,
        to draft: inout SchedulerLedger.Draft,
        _ effects: inout [SchedulerEffect]
    ) throws -> Run? {
        switch request {
        case .event(let event):
            try apply(event, to: &draft, &effects)
            return nil
        case .create(var run, let definition, let source):
            // The same request may have come twice at once, such as an announcement whose answer was lost.
            if let existing = facts.existing[definition.id] ?? draft.created[definition.id] { return existing }
            if let source {
                guard !facts.missing.contains(source) else {
                    throw APIError(.notExist, code: "runDoesNotExist", "There is no such run any more.")
                }
                draft.expect(source)
            }
            run.sequence = draft.next(counter: RunKeys.sequence)
            run.number = draft.next(counter: RunGroup.root(of: run.group))
            try draft.add(definition, of: run)
            try apply(.created(run, definition), to: &draft, &effects)
            return run
        }
    }

    private func apply(
        _ event: SchedulerEvent,
        to draft: inout SchedulerLedger.Draft,
        _ effects: inout [SchedulerEffect]
    ) throws {
        let new = try state.handle(event, now: now())
        for effect in new { try draft.add(effect) }
        effects += new
    }

    private func commit(_ draft: SchedulerLedger.Draft) async throws {
        guard !draft.isEmpty else { return }
        let committed = try await store.commit(try draft.batch())
        ledger.commit(draft, at: committed.revision)
    }

    // The logs of a task that its executor reported on are sealed already, before the report was accepted.
    private func finish(_ effects: [SchedulerEffect], sealed: Set<TaskID>) async {
        var ended: [TaskID] = []
        for effect in effects {
            switch effect {
            case .wake(let executor), .saveExecutor(let executor, _): bumpVersion(of: executor)
            case .removeExecutor(let executor): versions[executor] = nil
            case .removeAssignment(let task): ended.append(task)
            default: break
            }
        }
        work.ring()
        for task in ended where !sealed.contains(task) { await onTaskEnded(task) }
    }

    // Versions begin at the time, so that one given out before a restart is never mistaken for a current one.
    private func bumpVersion(of executor: ExecutorID) {
        versions[executor] = (versions[executor] ?? Int64(now().timeIntervalSince1970 * 1_000_000)) + 1
    }
}

/// What the scheduler is asked for.
package enum SchedulerRequest: Sendable {
    /// Give the run its numbers and let it live, once for each definition, however often it is asked for; one that was made from an
    /// ended run needs that run to exist.
    case create(Run, RunDefinition, from: RunID? = nil)
    /// Anything else.
    case event(SchedulerEvent)

    /// The task that an executor reports on.
    var reportedTask: TaskID? {
        guard case .event(.reported(let task, _, _, _)) = self else { return nil }
        return task
    }
}
