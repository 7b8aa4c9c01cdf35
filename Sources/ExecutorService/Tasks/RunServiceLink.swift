import Model
import WorkerClients

/// What an executor needs of the runservice: the client of the real one, or a script in tests.
protocol RunServiceLink: Sendable {
    /// Registers the executor, or says that it is alive.
    func register(_ id: ExecutorID, _ registration: ExecutorRegistration) async throws

    /// The executor's tasks as soon as they differ from `version`, or when the time is up.
    func work(for id: ExecutorID, after version: Int64, timeout: Duration) async throws -> ExecutorWork

    /// Reports how a task goes.
    func report(_ task: TaskID, attempt: Int, status: ExecutorTaskStatus, from id: ExecutorID) async throws

    /// Sends a chunk of a log.
    func sendLog(
        _ task: TaskID,
        attempt: Int,
        log: LogSelector,
        offset: Int64,
        bytes: [UInt8],
        from id: ExecutorID
    ) async throws -> LogAcknowledgement
}

extension RunServiceClient: RunServiceLink {}
