import Base
import Glibc
import TestSupport
import Testing

@Suite("What a process is told to do at its failpoints")
struct FailPlanTests {
    @Test("is read from its text and written again as the same")
    func text() throws {
        let text =
            "store.commit.decide=kill@3 file.write=torn:5\nobject.sync=EIO@2+ log.seal=pause~0.25 push.carry=delay:40 seed=7"
        let plan = try FailPlan(text: text)
        #expect(
            plan.entries == [
                .init(.storeCommitDecide, .kill, .at(3)), .init(.fileWrite, .torn(bytes: 5)),
                .init(.objectSync, .error(EIO), .from(2)), .init(.logSeal, .pause, .chance(0.25)),
                .init(.pushCarry, .delay(milliseconds: 40)),
            ]
        )
        #expect(try FailPlan(text: plan.text) == plan)
    }

    @Test(
        "is refused where it says what nobody knows",
        arguments: [
            "store.commit.decidde=kill", "file.write", "file.write=burn", "file.write=torn", "file.write=kill@0",
            "file.write=kill~2", "file.write=kill:3", "seed=x",
        ]
    )
    func refused(text: String) {
        #expect(throws: Failure.self) { try FailPlan(text: text) }
    }

    @Test("happens at the passes that it names and at no other")
    func moments() throws {
        let plan = try FailPlan(text: "file.sync=kill@3 file.rename=ENOSPC@2+")
        #expect((1...5).map { plan.action(at: .fileSync, pass: $0) } == [nil, nil, .kill, nil, nil])
        #expect((1...3).map { plan.action(at: .fileRename, pass: $0) } == [nil, .error(ENOSPC), .error(ENOSPC)])
        #expect(plan.action(at: .fileWrite, pass: 1) == nil)
    }

    @Test("is left to chance as often as wanted, and the same seed makes the same choice")
    func chance() throws {
        func choices(_ seed: UInt64) throws -> [Bool] {
            let plan = FailPlan([.init(.fileSync, .kill, .chance(0.1))], seed: seed)
            return (1...10_000).map { plan.action(at: .fileSync, pass: $0) != nil }
        }
        let first = try choices(1)
        #expect(try choices(1) == first)
        #expect(try choices(2) != first)
        #expect((800...1_200).contains(first.count { $0 }))
    }
}
