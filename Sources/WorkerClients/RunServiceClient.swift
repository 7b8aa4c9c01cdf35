public import Base
public import HTTPTransport
import HTTPTypes
public import Model

/// The runservice, as the gateway and the executors call it.
public struct RunServiceClient: Sendable {
    let connection: ServiceConnection

    /// Calls over a connection.
    public init(connection: ServiceConnection) {
        self.connection = connection
    }
}

// MARK: - Runs

extension RunServiceClient {
    /// Creates or restarts a run.
    /// - Throws: ``RemoteError`` with code `invalidRunGroup`, `runDoesNotExist` or `runCannotBeRestarted`.
    public func create(_ creation: RunCreation) async throws -> Run {
        try await connection.send(.post, "/api/v1alpha/runs", creation)
    }

    /// Lists runs of a group and what lies below it.
    public func runs(_ query: RunQuery) async throws -> RunPage<Run> {
        try await runTexts(query).map { try JSONCoding.decode(Run.self, from: $0) }
    }

    /// Lists runs of a group and what lies below it: the JSON of each.
    public func runTexts(_ query: RunQuery) async throws -> RunPage<[UInt8]> {
        var pairs = [("group", query.group), ("limit", String(query.limit))]
        if let start = query.start { pairs.append(("start", String(start))) }
        if query.ascending { pairs.append(("ascending", "true")) }
        pairs += query.phases.map { ("phase", $0) }
        pairs += query.results.map { ("result", $0) }
        return try RunPage(lines: try await connection.exchange(.get, "/api/v1alpha/runs", query: pairs))
    }

    /// A run by its number within a root group: `/project/<id>` or `/user/<id>`.
    /// - Throws: ``RemoteError`` with code `runDoesNotExist`.
    public func run(number: Int64, in group: String) async throws -> RunWithDefinition {
        try await connection.get("/api/v1alpha/runs/number/\(number)", query: [("group", group)])
    }

    /// A run by its identity.
    /// - Throws: ``RemoteError`` with code `runDoesNotExist`.
    public func run(_ id: RunID) async throws -> RunWithDefinition {
        try await connection.get("/api/v1alpha/runs/\(Self.segment(id.text))")
    }

    /// Cancels or stops a run.
    /// - Throws: ``RemoteError`` with code `runPhaseRefused`, `runNotActive` or `runDoesNotExist`.
    public func act(_ action: RunAction, on run: RunID) async throws {
        try await connection.send(.put, "/api/v1alpha/runs/\(Self.segment(run.text))/actions/\(action.rawValue)")
    }

    /// Removes a run that has ended, with the logs and archives that no other run uses.
    /// - Throws: ``RemoteError`` with code `runNotEnded` or `runDoesNotExist`.
    public func remove(_ run: RunID) async throws {
        try await connection.send(.delete, "/api/v1alpha/runs/\(Self.segment(run.text))")
    }

    /// Approves a task that waits for it.
    /// - Throws: ``RemoteError`` with code `runTaskNotWaitingApproval` or `runTaskAlreadyApproved`.
    public func approve(_ task: TaskID, of run: RunID, by user: UserID) async throws {
        let path = "/api/v1alpha/runs/\(Self.segment(run.text))/tasks/\(Self.segment(task.text))/approval"
        try await connection.send(.put, path, query: [("user", user.text)])
    }

    /// The log of a task's preparation or of a step.
    /// - Parameters:
    ///   - selector: which log.
    ///   - task: the task.
    ///   - run: the run that the task belongs to.
    ///   - offset: the first byte wanted.
    ///   - follow: whether the answer goes on until the log is complete.
    /// - Returns: the answer, whose body is the log's bytes.
    /// - Throws: ``RemoteError`` of kind `notExist` when there is no such log.
    public func log(
        _ selector: LogSelector,
        of task: TaskID,
        run: RunID,
        offset: Int64 = 0,
        follow: Bool = false
    ) async throws -> HTTPReply {
        let path = "/api/v1alpha/runs/\(Self.segment(run.text))/tasks/\(Self.segment(task.text))/logs/\(selector)"
        let query = [("offset", String(offset))] + (follow ? [("follow", "true")] : [])
        return try await attempt("open log \(selector) of task \(task)") {
            try await ServiceConnection.checked(try await connection.open(.get, path, query: query))
        }
    }

    /// Removes a log of a task that has ended; it is gone for every run that shares it.
    /// - Throws: ``RemoteError`` with code `logNotComplete`, or of kind `notExist` when there is no such log.
    public func removeLog(_ selector: LogSelector, of task: TaskID, run: RunID) async throws {
        let path = "/api/v1alpha/runs/\(Self.segment(run.text))/tasks/\(Self.segment(task.text))/logs/\(selector)"
        try await connection.send(.delete, path)
    }

    /// Run events of a group and what lies below it, as server-sent events that never end.
    ///
    /// They begin after the last event that is known, or with the next one. The answer's body is the stream; `data` holds a
    /// ``RunEvent``.
    public func events(of group: String, after sequence: Int64?) async throws -> HTTPReply {
        let query = [("group", group)] + (sequence.map { [("after", String($0))] } ?? [])
        return try await attempt("open run events of \(group)") {
            try await ServiceConnection.checked(try await connection.open(.get, "/api/v1alpha/events", query: query))
        }
    }
}

// MARK: - Executors

extension RunServiceClient {
    /// Registers an executor, or says that it still lives.
    public func register(_ id: ExecutorID, _ registration: ExecutorRegistration) async throws {
        try await connection.send(.put, Self.executor(id), registration)
    }

    /// Deletes an executor; its tasks fail.
    /// - Throws: ``RemoteError`` with code `executorDoesNotExist`.
    public func delete(_ id: ExecutorID) async throws {
        try await connection.send(.delete, Self.executor(id))
    }

    /// The tasks that an executor has to know: one long request, answered when they are others than at `version`.
    ///
    /// The first request is after version 0. When `timeout` has passed, the answer is the same as before.
    /// - Throws: ``RemoteError`` with code `executorDoesNotExist` when the executor has to register first.
    public func work(for id: ExecutorID, after version: Int64, timeout: Duration) async throws -> ExecutorWork {
        let query = [("after", String(version)), ("seconds", String(timeout.components.seconds))]
        let bytes = try await connection.exchange(
            .get,
            "\(Self.executor(id))/work",
            query: query,
            timeout: timeout + .seconds(10)
        )
        return try JSONCoding.decode(ExecutorWork.self, from: bytes)
    }

    /// Reports how a task goes.
    /// - Throws: ``RemoteError`` with code `attemptSuperseded`, `logIncomplete` (an ended step's log has not arrived whole), or of
    ///   kind `notExist` when nothing is known of the task any more.
    public func report(_ task: TaskID, attempt: Int, status: ExecutorTaskStatus, from id: ExecutorID) async throws {
        try await connection.send(.put, Self.task(task, id), query: [("attempt", String(attempt))], status)
    }

    /// Sends a piece of a log that begins at `offset`.
    /// - Returns: how many bytes are stored.
    /// - Throws: ``RemoteError`` with code `logOffsetMismatch`, whose details name the `offset` to go on at, `attemptSuperseded`, or
    ///   of kind `notExist` when nothing is known of the task any more.
    public func sendLog(
        _ task: TaskID,
        attempt: Int,
        log: LogSelector,
        offset: Int64,
        bytes: [UInt8],
        from id: ExecutorID
    ) async throws -> LogAcknowledgement {
        let bytes = try await connection.exchange(
            .post,
            "\(Self.task(task, id))/logs/\(log)",
            query: [("attempt", String(attempt)), ("offset", String(offset))],
            body: .bytes(bytes)
        )
        return try JSONCoding.decode(LogAcknowledgement.self, from: bytes)
    }

    static func executor(_ id: ExecutorID) -> String {
        "/api/v1alpha/executors/\(segment(id.text))"
    }

    static func task(_ task: TaskID, _ id: ExecutorID) -> String {
        "\(executor(id))/tasks/\(segment(task.text))"
    }

    static func segment(_ text: String) -> String {
        PercentEncoding.segment(text)
    }
}
