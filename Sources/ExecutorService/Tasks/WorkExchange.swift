import Base
import Logging
import Model

/// Keeps the executor known to the runservice, and one long request for work open.
struct WorkExchange: Sendable {
    /// The runservice takes an executor for lost after 60 s.
    private static let heartbeat: Duration = .seconds(20)
    /// Failures in a row that are not worth a warning; with the waits between them they take about three seconds.
    private static let quietFailures = 6
    private static let longRequest: Duration = .seconds(60)

    /// The runservice.
    let link: any RunServiceLink
    /// The executor.
    let executor: ExecutorID
    /// What the executor says of itself.
    let registration: ExecutorRegistration

    /// Registers now and then for ever.
    /// - Throws: `CancellationError`.
    func keepRegistered() async throws {
        var backoff = Backoff()
        while true {
            do {
                try await link.register(executor, registration)
                backoff.reset()
                try await Task.sleep(for: Self.heartbeat)
            } catch {
                try await recover(from: error, "register", &backoff)
            }
        }
    }

    /// Asks for work and hands every answer on.
    /// - Throws: `CancellationError`.
    func followWork(_ take: @Sendable ([ExecutorTask]) -> Void) async throws {
        var version: Int64 = 0
        var backoff = Backoff()
        while true {
            do {
                let work = try await link.work(for: executor, after: version, timeout: Self.longRequest)
                version = work.version
                take(work.tasks)
                backoff.reset()
            } catch {
                if ErrorChain(error).first(RemoteError.self)?.kind == .notExist {
                    // Somebody deleted the executor, or the store is another one: introduce ourselves again.
                    await reintroduce()
                    version = 0
                }
                try await recover(from: error, "work", &backoff)
            }
        }
    }

    private func reintroduce() async {
        do {
            try await link.register(executor, registration)
        } catch {
            Logger.current.debug("executor cannot register yet", error: error)
        }
    }

    private func recover(from error: any Error, _ call: String, _ backoff: inout Backoff) async throws {
        if ErrorChain(error).isCancellation { throw CancellationError() }
        // Both may start together, and the runservice may restart at any time: that alone is worth nobody's attention.
        let isQuiet = backoff.failures < Self.quietFailures || Backoff.isMaintenance(error)
        let level: Logger.Level = isQuiet ? .debug : .warning
        Logger.current.log(
            level: level,
            "runservice did not answer as hoped",
            error: error,
            metadata: ["call": "\(call)"]
        )
        try await backoff.wait(after: error)
    }
}
