import Base
import FoundationEssentials
import Model
import RunService
import TestSupport
import Testing

@Suite("A run advances")
struct RunAdvanceTests {
    struct Case: CustomTestStringConvertible {
        let what: String
        let graph: String
        let before: String
        var assigned: Set<TaskID> = []
        let after: String
        let runnable: [String]
        let result: RunResult
        let phase: RunPhase

        var testDescription: String { what }
    }

    static let cases = [
        Case(
            what: "roots run first",
            graph: "a -> c, b -> c",
            before: "",
            after: "a=n b=n c=n",
            runnable: ["a", "b"],
            result: .unknown,
            phase: .running
        ),
        Case(
            what: "a child waits for all parents",
            graph: "a -> c, b -> c",
            before: "a=s b=r",
            assigned: ["b"],
            after: "a=s b=r c=n",
            runnable: [],
            result: .unknown,
            phase: .running
        ),
        Case(
            what: "a child runs when all parents succeeded",
            graph: "a -> c, b -> c",
            before: "a=s b=s",
            after: "a=s b=s c=n",
            runnable: ["c"],
            result: .unknown,
            phase: .running
        ),
        Case(
            what: "skipping goes down the graph at once",
            graph: "a -> b -> c -> d",
            before: "a=f",
            after: "a=f b=k c=k d=k",
            runnable: [],
            result: .failed,
            phase: .finished
        ),
        Case(
            what: "on_failure runs after a failure, although the run has failed",
            graph: "a -> b[on_failure]",
            before: "a=f",
            after: "a=f b=n",
            runnable: ["b"],
            result: .failed,
            phase: .running
        ),
        Case(
            what: "on_failure is skipped after success",
            graph: "a -> b[on_failure]",
            before: "a=s",
            after: "a=s b=k",
            runnable: [],
            result: .success,
            phase: .finished
        ),
        Case(
            what: "on_skipped runs after a skipped parent",
            graph: "a -> b[on_failure] -> c[on_skipped]",
            before: "a=s",
            after: "a=s b=k c=n",
            runnable: ["c"],
            result: .unknown,
            phase: .running
        ),
        Case(
            what: "one of several conditions is enough",
            graph: "a -> b[on_success|on_failure]",
            before: "a=s",
            after: "a=s b=n",
            runnable: ["b"],
            result: .unknown,
            phase: .running
        ),
        Case(
            what: "roots that wait are cancelled once the run has failed",
            graph: "a, b",
            before: "a=f",
            after: "a=f b=c",
            runnable: [],
            result: .failed,
            phase: .finished
        ),
        Case(
            what: "a root on an executor goes on after a failure",
            graph: "a, b",
            before: "a=f b=r",
            assigned: ["b"],
            after: "a=f b=r",
            runnable: [],
            result: .failed,
            phase: .running
        ),
        Case(
            what: "nothing follows a stopped parent",
            graph: "a -> b[on_success|on_failure|on_skipped]",
            before: "a=t",
            after: "a=t b=k",
            runnable: [],
            result: .success,
            phase: .finished
        ),
        Case(
            what: "a run without tasks succeeds at once",
            graph: "",
            before: "",
            after: "",
            runnable: [],
            result: .success,
            phase: .finished
        ),
    ]

    @Test("as far as it can without the outside world", arguments: cases)
    func advances(_ example: Case) {
        let definition = GraphText.definition(example.graph)
        var run = GraphText.run(definition, example.before)
        let needs = RunAdvance.advance(&run, definition: definition, assigned: example.assigned, now: Date())
        #expect(GraphText.letters(run) == example.after)
        #expect(needs.runnable.map(\.text) == example.runnable)
        #expect(run.result == example.result)
        #expect(run.phase == example.phase)
        #expect((run.endTime != nil) == (example.phase == .finished))
    }

    @Test("once: advancing again changes nothing", arguments: cases)
    func isIdempotent(_ example: Case) {
        let definition = GraphText.definition(example.graph)
        var run = GraphText.run(definition, example.before)
        let first = RunAdvance.advance(&run, definition: definition, assigned: example.assigned, now: Date())
        let before = run
        let second = RunAdvance.advance(&run, definition: definition, assigned: example.assigned, now: Date())
        #expect(run == before)
        #expect(run.phase == .finished || first == second)
    }

    @Test("a failure that is ignored does not fail the run, but its children are skipped all the same")
    func ignoredFailure() {
        var definition = GraphText.definition("a -> b")
        definition.tasks["a"]?.ignoreFailure = true
        var run = GraphText.run(definition, "a=f")
        _ = RunAdvance.advance(&run, definition: definition, assigned: [], now: Date())
        #expect(GraphText.letters(run) == "a=f b=k")
        #expect(run.result == .success)
    }

    @Test("a task that needs approval waits for it, and runs once it is given")
    func approval() {
        var definition = GraphText.definition("a -> b")
        definition.tasks["b"]?.needsApproval = true
        var run = GraphText.run(definition, "a=s")
        let waiting = RunAdvance.advance(&run, definition: definition, assigned: [], now: Date())
        #expect(waiting.runnable.isEmpty)
        #expect(run.tasks["b"]?.waitingApproval == true)
        run.tasks["b"]?.waitingApproval = false
        run.tasks["b"]?.approved = true
        let approved = RunAdvance.advance(&run, definition: definition, assigned: [], now: Date())
        #expect(approved.runnable == ["b"])
    }

    @Test("a stop skips what waits and stops what runs; the run ends when executors have let go")
    func stop() {
        let definition = GraphText.definition("a -> c, b -> c")
        var run = GraphText.run(definition, "a=r")
        run.stop = true
        let needs = RunAdvance.advance(&run, definition: definition, assigned: ["a"], now: Date())
        #expect(needs.stopping == ["a"])
        #expect(GraphText.letters(run) == "a=r b=k c=k")
        #expect(run.result == .stopped)
        #expect(run.phase == .running)
        run.tasks["a"]?.status = .stopped
        _ = RunAdvance.advance(&run, definition: definition, assigned: [], now: Date())
        #expect(run.phase == .finished)
    }
}
