import Base
package import FoundationEssentials
package import Model

extension RunTask {
    /// Takes over what an executor says; a task that has ended keeps its end.
    package mutating func take(_ report: ExecutorTaskStatus) {
        guard !status.isFinished else { return }
        status =
            switch report.phase {
            case .notstarted: .notstarted
            case .cancelled: .cancelled
            case .running: .running
            case .stopped: .stopped
            case .success: .success
            case .failed: .failed
            }
        timedOut = report.timedOut
        failError = report.failError
        setupStep = report.setupStep
        steps = report.steps
        startTime = report.startTime
        endTime = report.endTime
    }
}

extension ExecutorTaskStatus {
    /// Ends the task, and what of it was running, because its executor cannot.
    package mutating func fail(_ reason: String, at now: Date) {
        phase = .failed
        failError = reason
        endTime = now
        setupStep.failIfRunning(at: now)
        for index in steps.indices { steps[index].failIfRunning(at: now) }
    }
}

extension StepState {
    fileprivate mutating func failIfRunning(at now: Date) {
        guard phase == .running else { return }
        phase = .failed
        endTime = now
    }
}
