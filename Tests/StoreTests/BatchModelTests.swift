import Base
import Foundation
import Store
import TestSupport
import Testing

/// The store's behaviour as plain dictionaries.
private struct Model {
    var records: [String: Stored] = [:]
    var live: [String: Stored] = [:]
    var groups: [String: Revision] = [:]
    var streams: [String: [String]] = [:]
    var revision: Revision = 0
}

@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct BatchModelTests {
    private static let keys = ["a", "a/b", "a/c", "a0", "b", "b/a", "é"]

    @Test("any sequence of batches does what dictionaries do", arguments: AuthorityKind.allCases)
    func batches(_ authority: AuthorityKind) async throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let store = try await authority.open([Names()])
        var model = Model()
        for step in 0..<400 {
            let (batch, next) = Self.step(model, &random)
            do {
                let committed = try await store.commit(batch)
                let expected = try #require(next, "seed \(seed) step \(step): should have been refused")
                #expect(committed.revision == expected.revision, "seed \(seed) step \(step)")
                model = expected
            } catch let error as StoreError where error.kind == .conflict {
                #expect(next == nil, "seed \(seed) step \(step): \(error)")
            }
            if step % 20 == 0 { try await compare(store, model, "seed \(seed) step \(step)") }
        }
        try await compare(store, model, "seed \(seed)")
    }

    /// A random batch, and the model after it; nil when an expectation does not hold.
    private static func step(_ model: Model, _ random: inout SeededGenerator) -> (Batch, Model?) {
        var batch = Batch()
        var next = model
        next.revision += 1
        var holds = true
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            holds = expect(&batch, model, &random) && holds
        }
        for _ in 0..<Int.random(in: 1...5, using: &random) { change(&batch, &next, &random) }
        return (batch, holds ? next : nil)
    }

    private static func expect(_ batch: inout Batch, _ model: Model, _ random: inout SeededGenerator) -> Bool {
        let key = keys.randomElement(using: &random) ?? "a"
        let isRecord = Bool.random(using: &random)
        let current = isRecord ? model.records[key] : model.live[key]
        let presence: Presence
        let holds: Bool
        switch Int.random(in: 0..<3, using: &random) {
        case 0: (presence, holds) = (.absent, current == nil)
        case 1: (presence, holds) = (.present, current != nil)
        default:
            let revision =
                Bool.random(using: &random) ? current?.revision ?? 1 : Revision.random(in: 0...5, using: &random)
            (presence, holds) = (.revision(revision), current?.revision == revision)
        }
        if Int.random(in: 0..<4, using: &random) == 0 {
            let seen = model.groups[key]
            let isFresh = Bool.random(using: &random)
            batch.expect(.group(key, seen: isFresh ? seen : (seen ?? 0) + 1, asOf: model.revision))
            return isFresh
        }
        batch.expect(isRecord ? .record(type: "project", id: key, presence) : .live(key: key, presence))
        return holds
    }

    private static func change(_ batch: inout Batch, _ next: inout Model, _ random: inout SeededGenerator) {
        let key = keys.randomElement(using: &random) ?? "a"
        let data = Data("\(Int.random(in: 0...999, using: &random))")
        switch Int.random(in: 0..<7, using: &random) {
        case 0, 1:
            batch.put(record: key, type: "project", data)
            next.records[key] = Stored(data: data, revision: next.revision)
        case 2:
            batch.delete(record: key, type: "project")
            next.records[key] = nil
        case 3:
            batch.put(live: key, data)
            next.live[key] = Stored(data: data, revision: next.revision)
        case 4:
            batch.delete(live: key)
            next.live[key] = nil
        case 5:
            batch.delete(livePrefix: key)
            next.live = next.live.filter { !$0.key.utf8.starts(with: key.utf8) }
        default:
            batch.touch(group: key)
            batch.append(event: data, to: key)
            next.groups[key] = next.revision
            next.streams[key, default: []].append(data.text)
        }
    }

    private func compare(_ store: ServiceStore, _ model: Model, _ context: Comment) async throws {
        try await store.read { tx throws in
            let records = try Dictionary(uniqueKeysWithValues: tx.records(type: "project").map { ($0.id, $0.value) })
            let live = try Dictionary(uniqueKeysWithValues: tx.live(prefix: "").map { ($0.key, $0.value) })
            #expect(records == model.records, context)
            #expect(live == model.live, context)
            for key in Self.keys {
                #expect(try tx.events(of: key, after: 0).map(\.data.text) == model.streams[key] ?? [], context)
            }
            let token = try tx.token(groups: Self.keys)
            #expect(token.revisions.compactMapValues { $0 } == model.groups, context)
            let projected = try tx.rows("SELECT key, name FROM names_item WHERE key LIKE 'r/%'")
            let names = try Dictionary(
                uniqueKeysWithValues: projected.map { (try $0.text("key"), try $0.text("name")) }
            )
            #expect(
                names == Dictionary(uniqueKeysWithValues: records.map { ("r/\($0.key)", $0.value.data.text) }),
                context
            )
        }
    }
}
