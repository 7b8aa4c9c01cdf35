import Base
import FoundationEssentials
import TestSupport
import Testing

@Suite("A whole installation", .temporaryDirectory, .timeLimit(.minutes(5)))
struct SoakTests {
    @Test("that is killed, stopped, failed and filled for a while keeps every promise")
    func briefSoak() async throws {
        // `make soak` goes on for as long as it is given; the seed repeats what this round did.
        let given = ProcessInfo.processInfo.environment["MARTLET_SOAK_SEED"].flatMap { UInt64($0) }
        let seed = given ?? UInt64.random(in: .min ... .max)
        let script = "\(TestNginx.projectDirectory)/Tests/soak.sh"
        let options = ["--rounds", "1", "--round-seconds", "10", "--seed", "\(seed)"]
        let outcome = try await TestProcess.run("sh", [script, TestProcess.products] + options)
        print(outcome.output)
        #expect(outcome.isSuccess, "seed \(seed): \(outcome.output)\(outcome.error)")
    }
}
