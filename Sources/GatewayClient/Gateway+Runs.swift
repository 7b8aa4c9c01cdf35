import Base
public import FoundationEssentials

extension Gateway {
    /// Whose runs are meant.
    public enum RunOwner: Sendable, Equatable {
        /// A project's, by path or id.
        case project(String)
        /// The direct runs of a user, by name or id.
        case user(String)

        var path: String {
            switch self {
            case .project(let reference): "/projects/\(PercentEncoding.segment(reference))"
            case .user(let reference): "/users/\(PercentEncoding.segment(reference))"
            }
        }
    }

    /// A run in a list.
    public struct RunSummary: Codable, Sendable, Equatable {
        /// The number within its owner.
        public var number: UInt64
        /// The name in the pipeline file.
        public var name: String
        /// What is known of its origin.
        public var annotations: [String: String]?
        /// `setuperror`, `queued`, `cancelled`, `running` or `finished`.
        public var phase: String
        /// `unknown`, `stopped`, `success` or `failed`.
        public var result: String
        /// When it was created, began and ended.
        public var enqueueTime, startTime, endTime: Date?

        private enum CodingKeys: String, CodingKey {
            case number, name, annotations, phase, result
            case enqueueTime = "enqueue_time"
            case startTime = "start_time"
            case endTime = "end_time"
        }
    }

    /// A run with its tasks.
    public struct Run: Codable, Sendable, Equatable {
        /// The number within its owner.
        public var number: UInt64
        /// The name in the pipeline file.
        public var name: String
        /// `setuperror`, `queued`, `cancelled`, `running` or `finished`.
        public var phase: String
        /// `unknown`, `stopped`, `success` or `failed`.
        public var result: String
        /// What is wrong with the pipeline file.
        public var setupErrors: [String]?
        /// The tasks by id.
        public var tasks: [String: RunTask]
        /// When it was created, began and ended.
        public var enqueueTime, startTime, endTime: Date?

        private enum CodingKeys: String, CodingKey {
            case number, name, phase, result, tasks
            case setupErrors = "setup_errors"
            case enqueueTime = "enqueue_time"
            case startTime = "start_time"
            case endTime = "end_time"
        }

        /// Whether nothing more will happen.
        public var hasEnded: Bool { ["setuperror", "cancelled", "finished"].contains(phase) }

        /// The tasks in the order they can run, by name where that is open.
        public var orderedTasks: [RunTask] { tasks.values.sorted { ($0.level, $0.name) < ($1.level, $1.name) } }
    }

    /// A task in its run.
    public struct RunTask: Codable, Sendable, Equatable {
        /// The identity.
        public var id: String
        /// The name.
        public var name: String
        /// `notstarted`, `skipped`, `cancelled`, `running`, `stopped`, `success` or `failed`.
        public var status: String
        /// How many tasks must run before it.
        public var level: Int

        /// Whether nothing more will happen.
        public var hasEnded: Bool { status != "notstarted" && status != "running" }
    }

    /// A task with its steps.
    public struct TaskDetails: Codable, Sendable, Equatable {
        /// What comes before the first step.
        public struct SetupStep: Codable, Sendable, Equatable {
            /// How far it is.
            public var phase: String
        }

        /// A step.
        public struct Step: Codable, Sendable, Equatable {
            /// `notstarted`, `cancelled`, `running`, `stopped`, `success` or `failed`.
            public var phase: String
            /// The kind of step, such as `run`.
            public var type: String
            /// The name.
            public var name: String
            /// What the command of a step that has ended returned.
            public var exitStatus: Int?

            private enum CodingKeys: String, CodingKey {
                case phase, type, name
                case exitStatus = "exit_status"
            }
        }

        /// The identity.
        public var id: String
        /// The name.
        public var name: String
        /// `notstarted`, `skipped`, `cancelled`, `running`, `stopped`, `success` or `failed`.
        public var status: String
        /// Why it failed, when no step did.
        public var failError: String?
        /// What comes before the first step.
        public var setupStep: SetupStep
        /// The steps.
        public var steps: [Step]

        private enum CodingKeys: String, CodingKey {
            case id, name, status, steps
            case failError = "fail_error"
            case setupStep = "setup_step"
        }

        /// Whether nothing more will happen.
        public var hasEnded: Bool { status != "notstarted" && status != "running" }
    }

    /// Which runs to list.
    public struct RunFilter: Sendable, Equatable {
        /// Only runs in these phases; empty for all.
        public var phases: [String] = []
        /// Only runs older than this number; 0 for all.
        public var start: UInt64 = 0
        /// The most runs to list.
        public var limit = 10

        /// Lists the newest runs.
        public init() {}
    }

    /// Runs, the newest first.
    /// - Throws: ``Refusal`` in the chain.
    public func runs(of owner: RunOwner, _ filter: RunFilter = RunFilter()) async throws -> [RunSummary] {
        var query = [("limit", "\(min(max(filter.limit, 1), 30))"), ("sortdirection", "desc")]
        if filter.start > 0 { query.append(("start", "\(filter.start)")) }
        query += filter.phases.map { ("phase", $0) }
        return try await list(owner.path + "/runs", query: query, limit: filter.limit)
    }

    /// A run.
    /// - Throws: ``Refusal`` in the chain.
    public func run(_ number: UInt64, of owner: RunOwner) async throws -> Run {
        try await get("\(owner.path)/runs/\(number)")
    }

    /// A task of a run.
    /// - Throws: ``Refusal`` in the chain.
    public func task(_ id: String, run number: UInt64, of owner: RunOwner) async throws -> TaskDetails {
        try await get("\(owner.path)/runs/\(number)/tasks/\(PercentEncoding.segment(id))")
    }
}
