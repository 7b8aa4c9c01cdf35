public import Base
public import FoundationEssentials

/// Something that happened to a run or to one of its tasks; numbered, stored with the change itself.
public struct RunEvent: Codable, Sendable, Equatable {
    /// What changed.
    public enum Kind: String, Codable, Sendable {
        /// The run was created, or its phase or result changed.
        case run
        /// A task or one of its steps changed.
        case task
    }

    /// The position in the stream of all run events; 0 until stored.
    public var sequence: Int64 = 0
    /// What changed.
    public var kind: Kind
    /// The run.
    public var run: RunID
    /// Where the run belongs.
    public var group: String
    /// The number people know the run by.
    public var number: Int64
    /// The run's name.
    public var name: String
    /// The run's phase after the change.
    public var phase: RunPhase
    /// The run's result after the change.
    public var result: RunResult
    /// The task, for ``Kind/task``.
    public var task: TaskID?
    /// The task's name.
    public var taskName: String?
    /// The task's status after the change.
    public var taskStatus: TaskStatus?
    /// When it happened.
    public var time: Date

    /// An event of a run.
    public init(_ run: Run, at time: Date) {
        kind = .run
        self.run = run.id
        group = run.group
        number = run.number
        name = run.name
        phase = run.phase
        result = run.result
        self.time = time
    }

    /// An event of a task.
    public init(_ task: RunTask, of run: Run, at time: Date) {
        self.init(run, at: time)
        kind = .task
        self.task = task.id
        taskName = task.name
        taskStatus = task.status
    }
}
