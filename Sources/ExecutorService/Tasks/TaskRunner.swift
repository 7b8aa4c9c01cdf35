import Base
import FoundationEssentials
import Logging
import Model

/// Runs one attempt of a task from its setup to the runservice's last acknowledgement.
struct TaskRunner: Sendable {
    /// What all tasks of an executor share.
    struct Surroundings: Sendable {
        /// Isolates tasks.
        var driver: any Driver
        /// One thread for each running step.
        var stepThreads: BlockingPool
        /// Reads and writes small files.
        var files: BlockingPool
        /// How long a step may take to end after it was asked to.
        var grace: Duration
    }

    private let data: ExecutorTaskSpecData
    private let surroundings: Surroundings
    private let progress: TaskProgress
    private let logs: TaskLogs
    private let mask: SecretMask
    private let stop: StopSwitch
    private let exchange: TaskExchange

    /// Prepares a runner; nothing happens yet.
    init(
        _ data: ExecutorTaskSpecData,
        record: TaskRecord,
        directory: TaskDirectory,
        stop: StopSwitch,
        exchange: TaskExchange,
        surroundings: Surroundings
    ) {
        self.data = data
        self.stop = stop
        self.exchange = exchange
        self.surroundings = surroundings
        progress = TaskProgress(record, directory: directory)
        logs = TaskLogs(directory)
        mask = SecretMask(data.secrets)
    }

    /// Runs the task; its directory is gone when the runservice has everything.
    ///
    /// A disk that fails or is full fails the task: the runservice hears of it, and gets what was written.
    /// - Throws: ``TaskDropped`` or `CancellationError`.
    func run() async throws {
        let progress = progress
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await LogSender(exchange, logs: logs, pool: surroundings.files, asksFirst: false).run()
            }
            group.addTask { try await progress.reportUntilOver(to: exchange) }
            do {
                try await surroundings.files.run { try progress.create() }
                try await execute()
            } catch {
                let isAborted = stop.position == .aborted || Task.isCancelled || ErrorChain(error).isCancellation
                guard !isAborted else {
                    stop.turn(to: .aborted)
                    throw error
                }
                abandon(because: error)
            }
            logs.close()
            progress.update { $0.finish(now: Date()) }
            try await group.waitForAll()
        }
        try await exchange.finish(progress.status, logs: logs, pool: surroundings.files)
        await progress.directory.discard(on: surroundings.files)
    }

    private func abandon(because error: any Error) {
        Logger.current.error("task cannot go on", error: error)
        logs.complete()
        progress.update {
            let reason = "the executor could not keep the task: \(ErrorChain(error).message)"
            $0.abandon(because: reason, now: Date()) { logs.length(of: $0) }
        }
    }

    private func execute() async throws {
        progress.update { $0.begin(now: Date()) }
        // The disk takes the record while the place is made: only steps do what must not be done twice.
        async let isKept: Void = surroundings.files.run { [progress] in try progress.synchronize() }
        guard let place = try await setUp() else { return }
        do {
            try await isKept
            try await runSteps(in: place)
        } catch {
            await place.remove()
            throw error
        }
        await place.remove()
    }

    /// Makes the place; nil when that failed, which the setup log then explains.
    private func setUp() async throws -> (any Place)? {
        let logs = logs
        let spool = try await surroundings.files.run { try logs.open(.setup) }
        var place: (any Place)?
        var reason: String?
        do {
            if data.runtime.containers.contains(where: \.privileged) {
                throw SetupError("this executor does not run privileged containers")
            }
            place = try await surroundings.driver.makePlace(for: data)
        } catch let error as SetupError {
            reason = error.description
        } catch {
            if ErrorChain(error).isCancellation { throw CancellationError() }
            Logger.current.error("place of a task cannot be made", error: error)
            reason = "the executor could not prepare the task: \(ErrorChain(error).message)"
        }
        if stop.position != .running { progress.update { $0.interrupt(.stopped) } }
        let lines = (place?.notes ?? []) + (reason.map { ["Setup failed: \($0)"] } ?? [])
        let length = try await surroundings.files.run { [mask] in
            var log = MaskedLog(spool, mask: mask)
            for line in lines { try log.note(line) }
            return try log.finish()
        }
        progress.update { $0.endSetup(reason: reason, logBytes: length, now: Date()) }
        return place
    }

    private func runSteps(in place: any Place) async throws {
        let deadline = data.timeout.flatMap { $0.duration > .zero ? Deadline.after($0.duration) : nil }
        while true {
            if stop.position != .running { progress.update { $0.interrupt(.stopped) } }
            guard let index = progress.nextStep else { return }
            let step = StepRunner(
                index: index,
                definition: data.steps[index],
                data: data,
                place: place,
                progress: progress,
                logs: logs,
                mask: mask,
                stop: stop,
                limits: StepSession.Limits(deadline: deadline, grace: surroundings.grace)
            )
            try await surroundings.stepThreads.run { try step.run() }
            if stop.position == .aborted { throw CancellationError() }
        }
    }
}
