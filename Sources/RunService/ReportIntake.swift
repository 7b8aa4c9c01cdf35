package import Model

/// Takes the reports of executors: what they say of their tasks, and how long the logs of ended steps are.
package struct ReportIntake: Sendable {
    private let scheduler: RunScheduler
    private let intake: LogIntake

    /// Hands reports to `scheduler`, and ends logs of `intake`.
    package init(scheduler: RunScheduler, intake: LogIntake) {
        self.scheduler = scheduler
        self.intake = intake
    }

    /// Takes a report.
    ///
    /// The logs become objects before the end of the task is stored: a finished task always has all its bytes.
    /// - Throws: ``APIError`` with code `logIncomplete` when bytes of an ended task have not arrived; what the scheduler refuses with.
    package func take(
        _ status: ExecutorTaskStatus,
        of task: TaskID,
        attempt: Int,
        run: RunID,
        from executor: ExecutorID
    ) async throws {
        let sizes = status.logSizes
        if status.phase.isFinished { try await intake.seal(task, of: [run], sizes: sizes) }
        try await scheduler.submit(.event(.reported(task, attempt: attempt, executor: executor, status)))
        // Not earlier: whoever comes to follow a log looks afterwards whether its step has ended, and is told here if it had not.
        for (selector, bytes) in sizes { try await intake.complete(selector, of: task, bytes: bytes) }
    }
}

extension ExecutorTaskStatus {
    /// How long the logs of ended steps are, as far as the executor says so.
    fileprivate var logSizes: [LogSelector: Int64] {
        var sizes: [LogSelector: Int64] = [:]
        if let bytes = setupStep.logBytes { sizes[.setup] = bytes }
        for (index, step) in steps.enumerated() {
            if let bytes = step.logBytes { sizes[.step(index)] = bytes }
        }
        return sizes
    }
}
