import Base
package import Model
package import ObjectStorage

/// Removes single logs.
package struct LogRemoval: Sendable {
    private let reader: LogReader
    private let intake: LogIntake
    private let objects: any ObjectStore

    /// Removes what `reader` finds and `intake` has stored.
    package init(reader: LogReader, intake: LogIntake, objects: any ObjectStore) {
        self.reader = reader
        self.intake = intake
        self.objects = objects
    }

    /// Removes a complete log; it is gone for every run that uses it.
    ///
    /// A log is complete when its task has ended; that of a step which ended while its task goes on is still needed to check that every
    /// byte has arrived.
    /// - Throws: ``APIError`` of kind `badRequest` with code `logNotComplete`, or `notExist` when there is no such run, task, step or
    ///   log.
    package func remove(_ selector: LogSelector, of task: TaskID, run: RunID) async throws {
        let (task, _) = try await reader.find(selector, of: task, run: run)
        guard task.status.isFinished, try await intake.growingLog(selector, of: task.id) == nil else {
            throw Self.notComplete
        }
        let name = RunObjects.log(selector, of: task.id)
        let isThere = try await objects.exists(name)
        // Also what is gone: it may have been removed by somebody who died before that was durable.
        try await objects.delete(name)
        guard isThere else { throw LogReader.noLog }
    }

    private static let notComplete = APIError(
        .badRequest,
        code: "logNotComplete",
        "A log can be removed once its task has ended."
    )
}
