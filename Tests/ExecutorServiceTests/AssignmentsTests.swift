import Base
import Model
import TestSupport
import Testing

@testable import ExecutorService

struct AssignmentsTests {
    private let executor = ExecutorID("e")

    private func task(
        _ id: String,
        attempt: Int = 1,
        _ phase: StepPhase = .notstarted,
        stop: Bool = false
    ) -> ExecutorTask {
        var status = ExecutorTaskStatus(steps: 1)
        status.phase = phase
        let spec = ExecutorTaskSpec(id: TaskID(id), run: RunID("r"), executor: executor, attempt: attempt, stop: stop)
        return ExecutorTask(spec: spec, status: status)
    }

    private func record(_ id: String, attempt: Int = 1) -> TaskRecord {
        TaskRecord(task: TaskID(id), run: RunID("r"), attempt: attempt, status: ExecutorTaskStatus(steps: 1))
    }

    @Test("a new task starts once, however often it is listed")
    func startsOnce() {
        var assignments = Assignments(executor: executor, abandoned: [])
        #expect(assignments.decide([task("a")]) == [.start(task("a"))])
        #expect(assignments.decide([task("a")]) == [])
        #expect(assignments.decide([task("a", .running), task("b")]) == [.start(task("b"))])
        #expect(assignments.end(TaskID("a")) == [])
        #expect(assignments.decide([task("a", .running), task("b")]) == [])
    }

    @Test("a task of another executor is none of our business")
    func otherExecutor() {
        var assignments = Assignments(executor: ExecutorID("other"), abandoned: [])
        #expect(assignments.decide([task("a")]) == [])
    }

    @Test("stopping is passed on once; a task stopped before it began is cancelled")
    func stops() {
        var assignments = Assignments(executor: executor, abandoned: [])
        _ = assignments.decide([task("a")])
        #expect(assignments.decide([task("a", stop: true)]) == [.stop(TaskID("a"))])
        #expect(assignments.decide([task("a", .running, stop: true)]) == [])
        #expect(assignments.decide([task("b", stop: true)]) == [.abort(TaskID("a")), .cancel(task("b", stop: true))])
    }

    @Test("a running task that is no longer listed is aborted; a finished one that is still listed is left alone")
    func unlisted() {
        var assignments = Assignments(executor: executor, abandoned: [])
        _ = assignments.decide([task("a")])
        #expect(assignments.decide([]) == [.abort(TaskID("a"))])
        #expect(assignments.decide([]) == [])
        #expect(assignments.end(TaskID("a")) == [])
        #expect(assignments.decide([task("c", .success)]) == [])
    }

    @Test("what an earlier process began is recovered, whatever the runservice knows of it; the rest is forgotten")
    func recovers() {
        var assignments = Assignments(executor: executor, abandoned: [record("a"), record("b"), record("gone")])
        let actions = assignments.decide([task("a"), task("b", .running), task("lost", .running), task("new")])
        #expect(
            actions == [
                .forget(TaskID("gone")), .recover(task("a"), record("a")), .recover(task("b", .running), record("b")),
                .recover(task("lost", .running), nil), .start(task("new")),
            ]
        )
    }

    @Test("a newer attempt waits for the end of the older one here, and replaces what an earlier process left")
    func newerAttempt() {
        var assignments = Assignments(executor: executor, abandoned: [record("b", attempt: 1)])
        #expect(
            assignments.decide([task("a"), task("b", attempt: 2)]) == [
                .start(task("a")), .start(task("b", attempt: 2)),
            ]
        )
        #expect(assignments.decide([task("a", attempt: 2), task("b", attempt: 2)]) == [.abort(TaskID("a"))])
        #expect(assignments.end(TaskID("a")) == [.start(task("a", attempt: 2))])
    }
}
