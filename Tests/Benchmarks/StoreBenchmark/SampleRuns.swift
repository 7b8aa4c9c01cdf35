import Base
import Foundation
import Model
import RunService
import Store

/// Runs that have ended, as they lie in the store of a busy installation: one project, several branches.
enum SampleRuns {
    static let project = "/project/6f1ad9c5-6b0a-4f0e-9c0e-d3b1a1b2c3d4"
    /// Ten runs of long ago are of this branch, however long the history is.
    static let rareBranch = "\(project)/branch/release"

    // One for all: what lists, exports and imports do with runs is measured.
    private static let definition = RunDefinition(id: .random(), name: "build and test", group: project)

    /// Stores runs with the numbers of `range`, their definition and their counters.
    static func store(_ range: Range<Int>, in store: ServiceStore) async throws {
        for start in stride(from: range.lowerBound, to: range.upperBound, by: 1_000) {
            let end = min(start + 1_000, range.upperBound)
            var batch = Batch()
            for number in start..<end {
                let run = run(number)
                try batch.put(record: run.id.text, type: RunKeys.run, value: run)
            }
            try batch.put(record: definition.id.text, type: RunKeys.definition, value: definition)
            for id in [project, RunKeys.sequence] {
                try batch.put(record: id, type: RunKeys.counter, value: Int64(end))
            }
            _ = try await store.commit(batch)
        }
    }

    private static func run(_ number: Int) -> Run {
        let branch = number < 1_000 && number % 100 == 7 ? "release" : "main"
        var run = Run(
            id: RunID(UUID().uuidString.lowercased()),
            sequence: Int64(number + 1),
            number: Int64(number + 1),
            name: "build and test",
            group: "\(project)/branch/\(branch)",
            definition: definition.id,
            enqueueTime: Date(timeIntervalSince1970: 1_700_000_000 + Double(number))
        )
        run.phase = number % 50 == 0 ? .cancelled : .finished
        run.result = number % 10 == 0 ? .failed : .success
        run.annotations = [
            "branch": branch, "commit_sha": "0123456789abcdef0123456789abcdef01234567",
            "message": "Change something that matters", "sender": "admin", "run_creation_trigger": "webhook",
        ]
        run.startTime = run.enqueueTime
        run.endTime = run.enqueueTime.addingTimeInterval(60)
        for name in ["build", "test"] {
            let id = TaskID(UUID().uuidString.lowercased())
            var task = RunTask(id: id, name: name, status: .success, steps: 2)
            task.startTime = run.startTime
            task.endTime = run.endTime
            run.tasks[id] = task
        }
        return run
    }
}
