import FoundationEssentials
import Model
import Testing

@testable import ExecutorService

struct TaskStateTests {
    private let now = Date(timeIntervalSince1970: 1_000)

    /// Plays one letter per event: `b`egin, `s`etup good, `S`etup bad, `r`un the next step, `0`/`1` it exits, `x` it breaks,
    /// `!` stopped, `t`imed out, `f`inish; and shows task, setup and steps as one letter each.
    @Test(
        "events lead to the states of the contract",
        arguments: [
            ("", "n n nn"), ("b", "r r nn"), ("bs", "r s nn"), ("bsr", "r s rn"), ("bsr0", "r s sn"),
            ("bsr0r0f", "s s ss"),
            ("bsr1f", "f s fn"), ("bsrxf", "f s fn"), ("bSf", "f f nn"), ("b!Sf", "p p nn"), ("bsr!1f", "p s pn"),
            ("bsr!0f", "p s sn"), ("bsr!xf", "p s pn"), ("bsrt1f", "f s fn"), ("bst!f", "f s nn"), ("bs!f", "p s nn"),
            ("bsr0r!0f", "s s ss"),
        ]
    )
    func transitions(events: String, expected: String) {
        var state = TaskState(steps: 2)
        var running = 0
        for event in events {
            switch event {
            case "b": state.begin(now: now)
            case "s": state.endSetup(reason: nil, logBytes: 3, now: now)
            case "S": state.endSetup(reason: "no image", logBytes: 3, now: now)
            case "r":
                running = state.nextStep ?? 99
                state.beginStep(running, now: now)
            case "0", "1": state.endStep(running, .exited(event == "0" ? 0 : 1), logBytes: 5, now: now)
            case "x": state.endStep(running, .broken, logBytes: 5, now: now)
            case "!": state.interrupt(.stopped)
            case "t": state.interrupt(.timedOut)
            default: state.finish(now: now)
            }
        }
        let letters = ([state.status.phase, state.status.setupStep.phase] + state.status.steps.map(\.phase)).map(
            Self.letter
        )
        #expect("\(letters[0]) \(letters[1]) \(letters[2])\(letters[3])" == expected)
        #expect(state.status.timedOut == (events.contains("t") && expected.hasPrefix("f")))
        for step in state.status.steps where step.phase.isFinished {
            #expect(step.logBytes == 5 && step.startTime == now && step.endTime == now)
        }
        if state.status.phase.isFinished { #expect(state.status.endTime == now && state.nextStep == nil) }
    }

    private static func letter(_ phase: StepPhase) -> Character {
        switch phase {
        case .notstarted: "n"
        case .cancelled: "c"
        case .running: "r"
        case .stopped: "p"
        case .success: "s"
        case .failed: "f"
        }
    }

    @Test("a restarted executor fails what was open, and only that")
    func abandoned() {
        var state = TaskState(steps: 3)
        state.begin(now: now)
        state.endSetup(reason: nil, logBytes: 1, now: now)
        state.beginStep(0, now: now)
        state.endStep(0, .exited(0), logBytes: 2, now: now)
        state.beginStep(1, now: now)
        let later = now.addingTimeInterval(60)
        state.abandon(because: "executor restarted", now: later) { $0 == .step(1) ? 77 : nil }
        #expect(state.status.phase == .failed)
        #expect(state.status.failError == "executor restarted")
        #expect(state.status.steps.map(\.phase) == [.success, .failed, .notstarted])
        #expect(state.status.steps[1].logBytes == 77)
        #expect(state.status.steps[1].endTime == later)
        let ended = state
        state.abandon(because: "executor restarted", now: later.addingTimeInterval(1)) { _ in 0 }
        #expect(state == ended)
    }

    @Test("an older record takes nothing back that the runservice has heard, and a newer one tells it more")
    func heard() {
        var heard = TaskState(steps: 3)
        heard.begin(now: now)
        heard.endSetup(reason: nil, logBytes: 1, now: now)
        let record = TaskState(steps: 3).status
        heard.beginStep(0, now: now)
        heard.endStep(0, .exited(0), logBytes: 2, now: now)
        heard.beginStep(1, now: now)
        var state = TaskState(recovering: record, heard: heard.status)
        let later = now.addingTimeInterval(60)
        state.abandon(because: "executor restarted", now: later) { _ in nil }
        #expect(state.status.phase == .failed && state.status.startTime == now && state.status.endTime == later)
        #expect(state.status.setupStep.phase == .success)
        #expect(state.status.steps.map(\.phase) == [.success, .failed, .notstarted])
        #expect(state.status.steps[1].logBytes == 0)
        var newer = heard
        newer.endStep(1, .exited(1), logBytes: 9, now: later)
        #expect(TaskState(recovering: newer.status, heard: heard.status).status.steps == newer.status.steps)
    }
}
