import Base
import FoundationEssentials
import Model
import RunService
import TestSupport
import Testing

/// Plays random events in random order and checks after each what must always hold.
@Suite("The scheduler in any order of events", .timeLimit(.minutes(5)))
struct SchedulerSimulationTests {
    @Test("keeps its invariants and ends every run", arguments: 0..<200)
    func randomOrders(_ round: Int) throws {
        let seed = UInt64(round) &* 0x9E37_79B9_7F4A_7C15 &+ 0xD1B5_4A32_D192_ED03
        var simulation = Simulation(seed: seed)
        do {
            for _ in 0..<400 { try simulation.step() }
            try simulation.drain()
        } catch let violation as Simulation.Violation {
            Issue.record("seed \(seed), event \(simulation.events): \(violation.what)")
        }
        #expect(simulation.created == simulation.archived.count, "seed \(seed)")
    }

    @Test("gives the same answers again when it is loaded from what it stored")
    func reload() throws {
        for round in 0..<50 {
            var simulation = Simulation(seed: UInt64(round) &+ 77)
            for _ in 0..<100 {
                try simulation.step()
                simulation.reload()
            }
            try simulation.drain()
            #expect(simulation.created == simulation.archived.count, "seed \(round + 77)")
        }
    }
}

/// The outside world: creates runs, plays executors, loses them, stops and cancels.
private struct Simulation {
    struct Violation: Error {
        let what: String
    }

    private var generator: SeededGenerator
    private var state = SchedulerState()
    private var now = Date(timeIntervalSince1970: 1_000_000)
    private var stored: [RunID: SchedulerState.ActiveRun] = [:]
    private var storedAssignments: [TaskID: SchedulerState.Assignment] = [:]
    private var storedExecutors: [ExecutorID: ExecutorRegistration] = [:]
    private var definitions: [RunID: RunDefinition] = [:]
    private var startedAttempts: Set<String> = []
    private var startOrder: [String: Int64] = [:]
    private(set) var archived: [RunID: Run] = [:]
    private(set) var created = 0
    private(set) var events = 0

    private static let shapes = [
        "a", "a -> b", "a -> c, b -> c", "a -> b -> d, a -> c -> d",
        "a -> b[on_failure], a -> c[on_success|on_failure]",
        "a, b, c, d", "",
    ]

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    mutating func step() throws {
        now += Double.random(in: 0...5, using: &generator)
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<20: try create()
        case 20..<30: try registerExecutor()
        case 30..<75: try report()
        case 75..<80: try actOnRun(stops: true)
        case 80..<85: try actOnRun(stops: false)
        case 85..<88: try deleteExecutor()
        case 88..<92: try reportFromThePast()
        default: try apply(.tick(timeout: 60))
        }
    }

    /// Lets the world come to rest: nobody creates, an executor with room takes everything, all tasks end.
    mutating func drain() throws {
        for _ in 0..<10_000 {
            if state.runs.isEmpty { return }
            try apply(.executorSeen("drain", registration(limit: 1_000)))
            for assignment in state.assignments.values { try finish(assignment) }
            try apply(.tick(timeout: 1e9))
        }
        throw Violation(what: "runs do not end: \(state.runs.values.map { GraphText.letters($0.run) })")
    }

    mutating func reload() {
        state = SchedulerState(
            runs: Array(stored.values),
            executors: storedExecutors.mapValues { .init(registration: $0, lastSeen: now) },
            assignments: Array(storedAssignments.values)
        )
    }

    // MARK: Events

    private mutating func create() throws {
        created += 1
        let group = "/project/p/branch/\(Int.random(in: 0..<4, using: &generator))"
        let shape = Self.shapes.randomElement(using: &generator) ?? "a"
        var definition = GraphText.definition(shape, group: group)
        // Real task ids are unique over all runs.
        definition = RunRecreation.definition(
            from: RunWithDefinition(run: GraphText.run(definition), definition: definition),
            id: .random(),
            fromStart: true,
            newID: { [created] in TaskID("\(created)-\($0)") }
        )
        var run = GraphText.run(definition)
        run.phase = .queued
        run.sequence = Int64(created)
        run.number = Int64(created)
        definitions[run.id] = definition
        try apply(.created(run, definition))
    }

    private mutating func registerExecutor() throws {
        let id = ExecutorID("e\(Int.random(in: 0..<3, using: &generator))")
        try apply(.executorSeen(id, registration(limit: Int.random(in: 1...3, using: &generator))))
    }

    private func registration(limit: Int) -> ExecutorRegistration {
        ExecutorRegistration(architectures: ["amd64"], labels: [:], allowsPrivileged: false, activeTasksLimit: limit)
    }

    private mutating func report() throws {
        guard
            let assignment = state.assignments.values.sorted(by: { $0.spec.id < $1.spec.id }).randomElement(
                using: &generator
            )
        else { return }
        if assignment.status.phase == .notstarted {
            var status = assignment.status
            status.phase = .running
            status.startTime = now
            try report(assignment, status)
        } else {
            try finish(assignment)
        }
    }

    private mutating func finish(_ assignment: SchedulerState.Assignment) throws {
        var status = assignment.status
        let outcomes: [StepPhase] = assignment.spec.stop ? [.stopped] : [.success, .success, .failed]
        status.phase = outcomes.randomElement(using: &generator) ?? .success
        status.endTime = now
        try report(assignment, status)
    }

    private mutating func report(_ assignment: SchedulerState.Assignment, _ status: ExecutorTaskStatus) throws {
        let spec = assignment.spec
        try apply(.reported(spec.id, attempt: spec.attempt, executor: spec.executor, status))
    }

    // An executor that was away reports something that nobody waits for any more.
    private mutating func reportFromThePast() throws {
        guard let assignment = state.assignments.values.sorted(by: { $0.spec.id < $1.spec.id }).first else { return }
        var status = assignment.status
        status.phase = .success
        let before = state.assignments
        do {
            _ = try state.handle(
                .reported(
                    assignment.spec.id,
                    attempt: assignment.spec.attempt - 1,
                    executor: assignment.spec.executor,
                    status
                ),
                now: now
            )
            throw Violation(what: "a report of an older attempt was accepted")
        } catch is APIError {
            guard state.assignments == before else { throw Violation(what: "a refused report changed something") }
        }
    }

    private mutating func actOnRun(stops: Bool) throws {
        guard let run = state.runs.keys.sorted().randomElement(using: &generator) else { return }
        do {
            try apply(stops ? .stop(run) : .cancel(run))
        } catch is APIError {
            // Refused because the run is in another phase.
        }
    }

    private mutating func deleteExecutor() throws {
        guard let executor = state.executors.keys.sorted().randomElement(using: &generator) else { return }
        try apply(.executorDeleted(executor))
    }

    // MARK: Effects and invariants

    private mutating func apply(_ event: SchedulerEvent) throws {
        events += 1
        for effect in try state.handle(event, now: now) {
            switch effect {
            case .saveRun(let run):
                guard archived[run.id] == nil else { throw Violation(what: "an ended run lives again") }
                stored[run.id] = .init(run: run, definition: definitions[run.id] ?? GraphText.definition(""))
            case .archiveRun(let run): try archive(run)
            case .saveAssignment(let assignment): try store(assignment)
            case .removeAssignment(let task): storedAssignments[task] = nil
            case .saveExecutor(let id, let registration): storedExecutors[id] = registration
            case .removeExecutor(let id): storedExecutors[id] = nil
            case .event, .wake: break
            }
        }
        try check()
    }

    private mutating func archive(_ run: Run) throws {
        guard archived[run.id] == nil else { throw Violation(what: "a run ended twice") }
        guard run.phase.isFinished, run.endTime != nil else { throw Violation(what: "an unfinished run was archived") }
        guard run.tasks.values.allSatisfy(\.status.isFinished) else {
            throw Violation(what: "a run ended with open tasks: \(GraphText.letters(run))")
        }
        archived[run.id] = run
        stored[run.id] = nil
    }

    private mutating func store(_ assignment: SchedulerState.Assignment) throws {
        let spec = assignment.spec
        if storedAssignments[spec.id] == nil {
            guard startedAttempts.insert("\(spec.id)#\(spec.attempt)").inserted else {
                throw Violation(what: "attempt \(spec.attempt) of task \(spec.id) was given out twice")
            }
            guard spec.attempt == 1 else { throw Violation(what: "task \(spec.id) ran more than once") }
        }
        storedAssignments[spec.id] = assignment
    }

    private func check() throws {
        guard stored.mapValues(\.run) == state.runs.mapValues(\.run) else {
            throw Violation(what: "what is stored differs from what lives")
        }
        guard storedAssignments == state.assignments else {
            throw Violation(what: "stored assignments differ from those that live")
        }
        let running = state.runs.values.filter { $0.run.phase == .running }
        guard Set(running.map(\.run.group)).count == running.count else {
            throw Violation(what: "two runs of one group run at once")
        }
        for active in running {
            let earlier = state.runs.values.contains {
                $0.run.group == active.run.group && $0.run.phase == .queued && $0.run.sequence < active.run.sequence
            }
            if earlier { throw Violation(what: "a run overtook an earlier one of its group") }
        }
        for (id, executor) in state.executors {
            let load = state.assignments.values.filter { $0.spec.executor == id }.count
            // A limit that was lowered binds only new assignments.
            if load > max(3, executor.registration.activeTasksLimit) {
                throw Violation(what: "executor \(id) holds \(load) tasks")
            }
        }
        for assignment in state.assignments.values {
            guard let run = state.runs[assignment.spec.run]?.run, let task = run.tasks[assignment.spec.id] else {
                throw Violation(what: "an executor holds a task of no run")
            }
            if task.status.isFinished { throw Violation(what: "an executor holds a finished task") }
        }
    }
}
