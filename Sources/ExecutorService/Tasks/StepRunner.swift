import Base
import FoundationEssentials
import Model

/// Runs one step of a task, blocking a thread for as long as the step lasts.
struct StepRunner: Sendable {
    /// The step's position.
    let index: Int
    /// What to do.
    let definition: StepDefinition
    /// The task.
    let data: ExecutorTaskSpecData
    /// Where to do it.
    let place: any Place
    /// Takes what happens.
    let progress: TaskProgress
    /// The task's logs.
    let logs: TaskLogs
    /// Hides the secrets.
    let mask: SecretMask
    /// Ends the step from outside.
    let stop: StopSwitch
    /// When the step must end, and how fast.
    let limits: StepSession.Limits

    /// Runs the step.
    ///
    /// That it failed is a result; only what the executor cannot keep on disk is an error.
    /// - Throws: ``SystemError`` or ``Failure`` naming the path.
    func run() throws {
        progress.update { $0.beginStep(index, now: Date()) }
        try progress.save()
        var log = MaskedLog(try logs.open(.step(index)), mask: mask)
        let ending: TaskState.Ending
        do {
            ending = .exited(try execute(into: &log))
        } catch {
            try log.note("martlet: \(ErrorChain(error).message)")
            ending = .broken
        }
        let length = try log.finish()
        progress.update { $0.endStep(index, ending, logBytes: length, now: Date()) }
    }

    private func execute(into log: inout MaskedLog) throws -> Int {
        let step =
            switch definition {
            case .run(let step): step
            }
        let command = try StepCommand(index: index, step: step, task: data, place: place.environment)
        let plan = try place.plan(for: command)
        var session = try StepSession(plan, hasTerminal: step.tty, stop: stop, limits: limits)
        let ending = try session.run(into: &log)
        if let interruption = ending.interruption {
            progress.update { $0.interrupt(interruption) }
            try log.note(
                interruption == .timedOut ? "martlet: the task took too long" : "martlet: the task was stopped"
            )
        }
        if ending.exitStatus != 0, let note = place.diagnosis() {
            try log.note("martlet: \(note)")
            progress.update { $0.explain(note) }
        }
        return ending.exitStatus
    }
}
