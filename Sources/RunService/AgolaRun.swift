import Base
import FoundationEssentials
import Model
import Store

/// An ended run as Agola v0.7 stores it; keys are Agola's.
struct AgolaRun: Decodable {
    struct TaskState: Decodable {
        let id: String?
        let status: TaskStatus
        let annotations: [String: String]?
        let skip: Bool?
        let approved: Bool?
        let setup_step: Step?
        let steps: [Step]?
        let workspace_archives: [Int]?
        let start_time: Date?
        let end_time: Date?
    }

    struct Step: Decodable {
        let phase: StepPhase?
        let exit_status: Int?
        let start_time: Date?
        let end_time: Date?
    }

    let id: String
    let name: String?
    let counter: Int64
    let group: String
    let annotations: [String: String]?
    let phase: RunPhase
    let result: RunResult?
    let stop: Bool?
    let tasks: [String: TaskState]?
    let enqueue_time: Date
    let start_time: Date?
    let end_time: Date?

    /// Reads a record.
    /// - Throws: ``Failure`` or ``APIError`` for what is no ended run.
    init(_ record: ImportedRecord) throws {
        self = try JSONCoding.decode(Self.self, from: record.data)
        guard id == record.id, AgolaID.isValid(id) else {
            throw AgolaRunConverter.refusal("run \(record.id) is no run of that id")
        }
        guard phase.isFinished else {
            throw AgolaRunConverter.refusal("run \(id) has not ended, and Agola exports ended runs only")
        }
        guard counter > 0 else { throw AgolaRunConverter.refusal("run \(id) has no number") }
        for (key, task) in tasks ?? [:] {
            guard task.id ?? key == key, AgolaID.isValid(key) else {
                throw AgolaRunConverter.refusal("run \(id) holds a task under another id than its own")
            }
        }
    }

    /// The run as we store it.
    func run(sequence: Int64, of definition: RunDefinition, _ losses: inout Losses) -> Run {
        var run = Run(
            id: RunID(id),
            sequence: sequence,
            number: counter,
            name: name ?? definition.name,
            group: group,
            definition: definition.id,
            enqueueTime: enqueue_time
        )
        run.annotations = annotations ?? [:]
        run.setupErrors = definition.setupErrors
        run.phase = phase
        run.result = result ?? .unknown
        run.stop = stop ?? false
        for (key, task) in tasks ?? [:] {
            let id = TaskID(key)
            run.tasks[id] = task.task(id, name: definition.tasks[id]?.name ?? key)
            losses.add("Workspace archives of steps were left out", task.workspace_archives?.count ?? 0)
        }
        run.startTime = start_time?.unlessZero
        run.endTime = end_time?.unlessZero
        return run
    }
}

extension AgolaRun.TaskState {
    fileprivate func task(_ id: TaskID, name: String) -> RunTask {
        var task = RunTask(id: id, name: name, status: status == .running ? .failed : status, steps: 0)
        task.skip = skip ?? false
        task.approved = approved ?? false
        task.annotations = annotations ?? [:]
        task.startTime = start_time?.unlessZero
        task.endTime = end_time?.unlessZero
        task.setupStep = setup_step?.state(endedBy: task.endTime) ?? StepState()
        task.steps = (steps ?? []).map { $0.state(endedBy: task.endTime) }
        return task
    }
}

extension AgolaRun.Step {
    /// The step's state; Agola leaves one running whose executor was lost, and whoever followed its log would wait for ever.
    fileprivate func state(endedBy end: Date?) -> StepState {
        var state = StepState()
        state.phase = phase ?? .notstarted
        state.exitStatus = exit_status
        state.startTime = start_time?.unlessZero
        state.endTime = end_time?.unlessZero
        if state.phase == .running {
            state.phase = .failed
            state.endTime = state.endTime ?? end
        }
        return state
    }
}

extension Date {
    /// Go writes the first second of the year 1 where there is no time.
    fileprivate var unlessZero: Date? { timeIntervalSince1970 > -62_135_596_800 ? self : nil }
}
