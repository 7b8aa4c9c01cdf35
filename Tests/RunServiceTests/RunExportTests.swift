import Base
import FoundationEssentials
import Model
import RunService
import Store
import TestSupport
import Testing
import WorkerClients

@Suite("The runservice's export", .temporaryDirectory, .timeLimit(.minutes(5)))
struct RunExportTests {
    @Test("makes an empty installation equal, but for runs that had not ended")
    func roundTrip() async throws {
        let ended = try await RunServiceFixture.with { service in
            let executor = try await PlayedExecutor("e", service)
            let run = try await service.create("a -> b")
            for _ in 0..<2 {
                let task = try await executor.work(holding: 1)[0]
                try await executor.report(task, .success, logBytes: 0)
            }
            _ = try await service.create("a", group: "/project/p/branch/other")
            return try await service.run(run.id)
        }
        #expect(ended.phase == .finished)
        let export = try await RunImportFixture.export()
        let summary = try await RunImportFixture.importing(export, into: "other")
        #expect(summary.warnings == ["Runs that had not ended when the export was made are not in it: 1."])
        let again = try await RunImportFixture.export("other")
        #expect(again.split(separator: 10).dropFirst() == export.split(separator: 10).dropFirst())
        let queries = RunQueries(store: try await RunImportFixture.open("other"))
        #expect(try await queries.run(ended.id)?.run == ended)
    }

    @Test("is refused when a run in it could not be read, or its number would be given again")
    func refused() async throws {
        let definition = GraphText.definition("a")
        var run = GraphText.run(definition, "a=s")
        run.phase = .finished
        let root = "/project/p"
        try await expect(nil, run, definition, [root: 1, RunKeys.sequence: 1])
        try await expect("has not ended", GraphText.run(definition), definition, [root: 1, RunKeys.sequence: 1])
        try await expect("which is missing", run, nil, [root: 1, RunKeys.sequence: 1])
        try await expect("stands at 0, but there is a run 1", run, definition, [RunKeys.sequence: 1])
        try await expect("runs of the installation stands at 0", run, definition, [root: 1])
        try await expect("no number of runs", run, definition, [root: .max, RunKeys.sequence: 1])
        try await expect(
            "counts no project",
            run,
            definition,
            [root: 1, RunKeys.sequence: 1, "/project/p/branch/b": 1]
        )
        var odd = run
        odd.group = "project/p"
        try await expect("no valid group", odd, definition, ["project/p": 1, RunKeys.sequence: 1])
        odd = run
        odd.tasks[TaskID("b")] = odd.tasks.values.first
        try await expect("another id than its own", odd, definition, [root: 1, RunKeys.sequence: 1])
        odd = run
        odd.number = 0
        try await expect("has no number", odd, definition, [root: 1, RunKeys.sequence: 1])
    }

    private func expect(
        _ sentence: String?,
        _ run: Run,
        _ definition: RunDefinition?,
        _ counters: [String: Int64],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let name = "store-\(UInt32.random(in: .min ... .max))"
        let store = try await RunImportFixture.open(name)
        var batch = Batch()
        if let definition {
            try batch.put(record: definition.id.text, type: RunKeys.definition, value: definition)
        }
        try batch.put(record: run.id.text, type: RunKeys.run, value: run)
        for (id, value) in counters { try batch.put(record: id, type: RunKeys.counter, value: value) }
        _ = try await store.commit(batch)
        let export = try await RunImportFixture.export(name)
        let refusal = try await RunImportFixture.refusal(of: export, by: store)
        #expect((refusal == nil) == (sentence == nil), "\(refusal?.message ?? "")", sourceLocation: sourceLocation)
        guard let sentence, let refusal else { return }
        #expect(refusal.message.contains(sentence), "\(refusal.message)", sourceLocation: sourceLocation)
    }
}
