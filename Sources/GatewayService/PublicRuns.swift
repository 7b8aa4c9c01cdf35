import Base
import FoundationEssentials
import Model

/// A run in a list, as the public API shows it.
struct RunsResponse: Encodable {
    let number: Int64
    let name: String
    let annotations: [String: String]
    let phase: RunPhase
    let result: RunResult
    let tasksWaitingApproval: [TaskID]
    // As text, which lists pass on as they find it.
    @Present var enqueueTime: String?
    @Present var startTime: String?
    @Present var endTime: String?

    enum CodingKeys: String, CodingKey {
        case number, name, annotations, phase, result
        case tasksWaitingApproval = "tasks_waiting_approval"
        case enqueueTime = "enqueue_time"
        case startTime = "start_time"
        case endTime = "end_time"
    }

    init(_ run: Run) {
        number = run.number
        name = run.name
        annotations = run.annotations
        phase = run.phase
        result = run.result
        tasksWaitingApproval = run.tasks.values.filter(\.waitingApproval).map(\.id).sorted()
        enqueueTime = Timestamp.text(run.enqueueTime)
        startTime = run.startTime.map(Timestamp.text)
        endTime = run.endTime.map(Timestamp.text)
    }
}

/// A run of the runservice's, of which no more is decoded than a list shows: lists are what browsers ask for most.
extension RunsResponse: Decodable {
    private enum RunKeys: CodingKey {
        case number, name, annotations, phase, result, tasks, enqueueTime, startTime, endTime
    }

    private struct WaitingTask: Decodable {
        let waitingApproval: Bool
    }

    init(from decoder: any Decoder) throws {
        let run = try decoder.container(keyedBy: RunKeys.self)
        number = try run.decode(Int64.self, forKey: .number)
        name = try run.decode(String.self, forKey: .name)
        annotations = try run.decode([String: String].self, forKey: .annotations)
        phase = try run.decode(RunPhase.self, forKey: .phase)
        result = try run.decode(RunResult.self, forKey: .result)
        // Nobody can approve anything in another phase.
        let tasks = phase == .running ? try run.decode([TaskID: WaitingTask].self, forKey: .tasks) : [:]
        tasksWaitingApproval = tasks.filter(\.value.waitingApproval).keys.sorted()
        enqueueTime = try run.decode(String.self, forKey: .enqueueTime)
        startTime = try run.decodeIfPresent(String.self, forKey: .startTime)
        endTime = try run.decodeIfPresent(String.self, forKey: .endTime)
    }
}

/// A run with its tasks, as the public API shows it.
struct RunResponse: Encodable {
    let run: RunsResponse
    let setupErrors: [String]?
    let stopping: Bool
    let tasks: [TaskID: RunResponseTask]
    let canRestartFromScratch: Bool
    let canRestartFromFailedTasks: Bool

    enum CodingKeys: String, CodingKey {
        case setupErrors = "setup_errors"
        case stopping, tasks
        case canRestartFromScratch = "can_restart_from_scratch"
        case canRestartFromFailedTasks = "can_restart_from_failed_tasks"
    }

    init(_ whole: RunWithDefinition) {
        let run = whole.run
        self.run = RunsResponse(run)
        setupErrors = run.setupErrors.isEmpty ? nil : run.setupErrors
        stopping = run.stop
        tasks = run.tasks.mapValues { RunResponseTask($0, whole.definition.tasks[$0.id]) }
        let hasEnded = run.phase == .finished || run.phase == .cancelled
        canRestartFromScratch = hasEnded
        canRestartFromFailedTasks = hasEnded && run.result != .success
    }

    func encode(to encoder: any Encoder) throws {
        try run.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(setupErrors, forKey: .setupErrors)
        try container.encode(stopping, forKey: .stopping)
        try container.encode(tasks, forKey: .tasks)
        try container.encode(canRestartFromScratch, forKey: .canRestartFromScratch)
        try container.encode(canRestartFromFailedTasks, forKey: .canRestartFromFailedTasks)
    }
}

/// A task of a run, as the public API shows it.
struct RunResponseTask: Encodable {
    struct Depend: Encodable {
        let taskID: TaskID
        let conditions: [DependCondition]

        enum CodingKeys: String, CodingKey {
            case taskID = "task_id"
            case conditions
        }
    }

    let id: TaskID
    let name: String
    let status: TaskStatus
    let timedout: Bool
    let level: Int
    let depends: [TaskID: Depend]
    let waitingApproval: Bool
    let approved: Bool
    let approvalAnnotations: [String: String]
    @Present var startTime: Date?
    @Present var endTime: Date?
    let taskTimeoutInterval: Int64

    enum CodingKeys: String, CodingKey {
        case id, name, status, timedout, level, depends, approved
        case waitingApproval = "waiting_approval"
        case approvalAnnotations = "approval_annotations"
        case startTime = "start_time"
        case endTime = "end_time"
        case taskTimeoutInterval = "task_timeout_interval"
    }

    init(_ task: RunTask, _ definition: TaskDefinition?) {
        id = task.id
        name = task.name
        status = task.status
        timedout = task.timedOut
        level = definition?.level ?? 0
        let depends = definition?.depends ?? [:]
        self.depends = Dictionary(uniqueKeysWithValues: depends.map { ($0, Depend(taskID: $0, conditions: $1)) })
        waitingApproval = task.waitingApproval
        approved = task.approved
        approvalAnnotations = task.annotations
        startTime = task.startTime
        endTime = task.endTime
        taskTimeoutInterval = definition?.timeout?.nanoseconds ?? 0
    }
}

/// One task with its steps, as the public API shows it.
struct RunTaskResponse: Encodable {
    struct Container: Encodable {
        let image: String
    }

    struct SetupStep: Encodable {
        let phase: StepPhase
        let name = "Task setup"
        @Present var startTime: Date?
        @Present var endTime: Date?

        enum CodingKeys: String, CodingKey {
            case phase, name
            case startTime = "start_time"
            case endTime = "end_time"
        }

        init(_ state: StepState) {
            phase = state.phase
            startTime = state.startTime
            endTime = state.endTime
        }
    }

    let id: TaskID
    let name: String
    let status: TaskStatus
    let timedout: Bool
    let failError: String?
    let containers: [Container]
    let waitingApproval: Bool
    let approved: Bool
    let approvalAnnotations: [String: String]
    let setupStep: SetupStep
    let steps: [RunTaskResponseStep]
    @Present var startTime: Date?
    @Present var endTime: Date?
    let taskTimeoutInterval: Int64

    enum CodingKeys: String, CodingKey {
        case id, name, status, timedout, containers, approved, steps
        case failError = "fail_error"
        case waitingApproval = "waiting_approval"
        case approvalAnnotations = "approval_annotations"
        case setupStep = "setup_step"
        case startTime = "start_time"
        case endTime = "end_time"
        case taskTimeoutInterval = "task_timeout_interval"
    }

    init(_ task: RunTask, _ definition: TaskDefinition) {
        id = task.id
        name = task.name
        status = task.status
        timedout = task.timedOut
        failError = task.failError
        containers = definition.runtime.containers.map { Container(image: $0.image) }
        waitingApproval = task.waitingApproval
        approved = task.approved
        approvalAnnotations = task.annotations
        setupStep = SetupStep(task.setupStep)
        steps = zip(definition.steps, task.steps).map { RunTaskResponseStep($1, $0, of: task, shell: definition.shell) }
        startTime = task.startTime
        endTime = task.endTime
        taskTimeoutInterval = definition.timeout?.nanoseconds ?? 0
    }
}

/// One step of a task, as the public API shows it.
struct RunTaskResponseStep: Encodable {
    let phase: StepPhase
    let type: String
    let name: String
    let command: String
    let shell: String
    @Present var exitStatus: Int?
    @Present var startTime: Date?
    @Present var endTime: Date?
    let logArchived: Bool

    enum CodingKeys: String, CodingKey {
        case phase, type, name, command, shell
        case exitStatus = "exit_status"
        case startTime = "start_time"
        case endTime = "end_time"
        case logArchived = "log_archived"
    }

    init(_ step: StepState, _ definition: StepDefinition, of task: RunTask, shell taskShell: String) {
        phase = step.phase
        switch definition {
        case .run(let run):
            type = "run"
            name = run.name
            command = run.command
            shell = run.shell ?? taskShell
        }
        exitStatus = step.exitStatus
        startTime = step.startTime
        endTime = step.endTime
        logArchived = task.status.isFinished && step.phase != .notstarted
    }
}

/// An optional that stands in JSON as `null` instead of being left out.
@propertyWrapper
struct Present<Value: Encodable>: Encodable {
    var wrappedValue: Value?

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
    }
}
