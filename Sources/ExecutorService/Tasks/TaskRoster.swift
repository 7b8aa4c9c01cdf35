import Base
import FoundationEssentials
import Logging
import Model
import Synchronization

/// The tasks of this executor: starts, stops and recovers them as the runservice's answers demand.
struct TaskRoster: Sendable {
    private enum Event: Sendable {
        case work([ExecutorTask])
        case ended(TaskID)
    }

    private let executor: ExecutorID
    private let records: [TaskRecord]
    private let dataDirectory: String
    private let link: any RunServiceLink
    private let surroundings: TaskRunner.Surroundings
    private let events: AsyncStream<Event>
    private let sink: AsyncStream<Event>.Continuation

    /// Prepares the roster; `records` is what an earlier process left.
    init(
        executor: ExecutorID,
        records: [TaskRecord],
        dataDirectory: String,
        link: any RunServiceLink,
        surroundings: TaskRunner.Surroundings
    ) {
        self.executor = executor
        self.records = records
        self.dataDirectory = dataDirectory
        self.link = link
        self.surroundings = surroundings
        (events, sink) = AsyncStream.makeStream()
    }

    /// Takes an answer of the runservice.
    func take(_ tasks: [ExecutorTask]) {
        sink.yield(.work(tasks))
    }

    /// Runs tasks until cancelled, and returns when all have ended.
    func run() async throws {
        var assignments = Assignments(executor: executor, abandoned: records)
        var switches: [TaskID: StopSwitch] = [:]
        try await withThrowingDiscardingTaskGroup { group in
            for await event in events {
                let actions: [Assignments.Action]
                switch event {
                case .work(let tasks): actions = assignments.decide(tasks)
                case .ended(let task):
                    switches[task] = nil
                    actions = assignments.end(task)
                }
                for action in actions {
                    switch action {
                    case .stop(let task): switches[task]?.turn(to: .stopped)
                    case .abort(let task): switches[task]?.turn(to: .aborted)
                    case .forget(let task): await drop(task)
                    case .start(let task), .cancel(let task), .recover(let task, _):
                        let stop = try StopSwitch()
                        switches[task.spec.id] = stop
                        group.addTask { await live(action, task: task, stop: stop) }
                    }
                }
            }
        }
    }

    private func live(_ action: Assignments.Action, task: ExecutorTask, stop: StopSwitch) async {
        defer { sink.yield(.ended(task.spec.id)) }
        await withLogger(mergingMetadata: ["task": "\(task.spec.id)", "run": "\(task.spec.run)"]) { logger in
            do {
                try await withTaskCancellationHandler {
                    try await perform(action, task: task, stop: stop)
                } onCancel: {
                    stop.turn(to: .aborted)
                }
                logger.info("task ended")
            } catch is TaskDropped {
                logger.info("task dropped")
                await drop(task.spec.id)
            } catch {
                // When the executor itself goes, the directory stays, so that the next process knows of the task.
                if Task.isCancelled { return }
                if stop.position == .aborted { return await drop(task.spec.id) }
                logger.error("task cannot be run", error: error)
                await giveUp(task, because: error)
            }
        }
    }

    private func perform(_ action: Assignments.Action, task: ExecutorTask, stop: StopSwitch) async throws {
        let exchange = exchange(for: task)
        let directory = try TaskDirectory(task.spec.id, in: dataDirectory)
        switch action {
        case .start:
            guard let data = task.specData else { throw Failure("the runservice sent no data for a task to start") }
            let record = TaskRecord(
                task: task.spec.id,
                run: task.spec.run,
                attempt: task.spec.attempt,
                status: ExecutorTaskStatus(steps: data.steps.count)
            )
            try await TaskRunner(
                data,
                record: record,
                directory: directory,
                stop: stop,
                exchange: exchange,
                surroundings: surroundings
            ).run()
        case .cancel:
            var status = task.status
            status.phase = .cancelled
            status.endTime = Date()
            try await exchange.report(status)
        case .recover(_, let record):
            let recovery = TaskRecovery(task, record: record, directory: directory, files: surroundings.files)
            try await recovery.run(exchange)
        case .stop, .abort, .forget: break
        }
    }

    /// Nobody must wait for a task that cannot be brought to its end here.
    private func giveUp(_ task: ExecutorTask, because error: any Error) async {
        do {
            let reason = "the executor could not run the task: \(ErrorChain(error).message)"
            try await exchange(for: task).giveUp(task.status, because: reason)
            await drop(task.spec.id)
        } catch is TaskDropped {
            await drop(task.spec.id)
        } catch {
            // The executor goes; the next process finds the task as this one did.
            Logger.current.debug("task not given up yet", error: error)
        }
    }

    private func exchange(for task: ExecutorTask) -> TaskExchange {
        TaskExchange(link: link, task: task.spec.id, attempt: task.spec.attempt, executor: executor)
    }

    /// The runservice does not want the task any more: neither does anybody want what is left of it.
    private func drop(_ task: TaskID) async {
        do {
            try await forget(task)
        } catch {
            Logger.current.error("directory of a dropped task cannot be removed", error: error)
        }
    }

    private func forget(_ task: TaskID) async throws {
        let directory = try TaskDirectory(task, in: dataDirectory)
        try await surroundings.files.run { try directory.remove() }
    }
}
