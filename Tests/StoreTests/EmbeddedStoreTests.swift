import Base
import Foundation
import Store
import TestSupport
import Testing

@Suite(.temporaryDirectory, .timeLimit(.minutes(1)))
struct EmbeddedStoreTests {
    @Test("a batch of every kind of change is readable at once")
    func everyKindOfChange() async throws {
        let store = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [])
        var batch = Batch()
        batch.put(record: "a", type: "project", Data("one".utf8))
        batch.put(live: "runs/1", Data("two".utf8))
        batch.touch(group: "name/x")
        batch.append(event: Data("e1".utf8), to: "runs")
        batch.append(event: Data("e2".utf8), to: "runs")
        let committed = try await store.commit(batch)
        #expect(committed == Committed(revision: 1, events: ["runs": 1...2]))
        try await store.read { tx in
            #expect(try tx.record(type: "project", id: "a") == Stored(data: Data("one".utf8), revision: 1))
            #expect(try tx.live("runs/1")?.data == Data("two".utf8))
            let keys = try tx.live(prefix: "runs/").map(\.key)
            #expect(keys == ["runs/1"])
            #expect(try tx.lastEvent(of: "runs") == 2)
            #expect(try tx.token(groups: ["name/x", "y"]).revisions == ["name/x": 1, "y": nil])
            let revision = try tx.revision
            #expect(revision == 1)
        }
    }
}
