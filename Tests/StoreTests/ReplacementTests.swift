import Base
import Foundation
import Store
import TestSupport
import Testing

@Suite("replacing a store's content", .temporaryDirectory, .timeLimit(.minutes(5)))
struct ReplacementTests {
    @Test("an import needs maintenance, and every living instance in it unless forced")
    func guards() async throws {
        let store = try await ExchangeFixture.filled(at: "a")
        let export = try await store.text()
        #expect(await kind { try await store.importing(export) } == .notInMaintenance)
        _ = try await store.setMaintenance(true)
        let other = try await ExchangeFixture.open("a")
        var instance = ServiceInstance.sample("other")
        try await other.announce(instance)
        do {
            try await store.importing(export)
            Issue.record("the import went on beside an instance at work")
        } catch {
            let told = ErrorChain(error).first(APIError.self)
            #expect(told?.code == "instancesNotReady")
            #expect(told?.message.contains("other") == true)
        }
        instance.mode = .maintenance
        try await other.announce(instance)
        try await store.importing(export)
        instance.mode = .normal
        try await other.announce(instance)
        try await ExchangeFixture.open("a").importing(export, force: true)
    }

    @Test("an import wipes live state and lets sequences of events go on; maintenance stays")
    func wipesLiveState() async throws {
        let store = try await ExchangeFixture.filled(at: "a")
        let export = try await store.text()
        _ = try await store.setMaintenance(true)
        try await store.importing(export)
        let reopened = try await ExchangeFixture.open("a")
        #expect(try await reopened.maintenance.isWanted)
        _ = try await reopened.setMaintenance(false)
        try await reopened.read { tx throws in
            #expect(try tx.live(prefix: "").isEmpty)
            #expect(try tx.rows("SELECT key FROM letter_live").isEmpty)
            #expect(try tx.lastEvent(of: "stream") == 1)
            #expect(try tx.events(of: "stream", after: 1).isEmpty)
            #expect(throws: StoreError.self) { try tx.events(of: "stream", after: 0) }
            #expect(try Self.indexes(tx, of: "letter_list") == 1)
        }
        let committed = try await reopened.commit(.of { $0.append(event: Data("next"), to: "stream") })
        #expect(committed.events["stream"] == 2...2)
    }

    @Test("import after import leaves every table with its indexes once")
    func repeatedImports() async throws {
        let store = try await ExchangeFixture.filled(at: "a")
        let export = try await store.text()
        _ = try await store.setMaintenance(true)
        for _ in 0..<3 {
            let opened = try await ExchangeFixture.open("a")
            try await opened.importing(export)
            #expect(try await opened.read { try Self.indexes($0, of: "letter_list") } == 1)
        }
    }

    private static func indexes(_ tx: ReadTransaction, of table: String) throws -> Int {
        try tx.rows(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
            [.text(table)]
        ).count
    }

    @Test("whoever opened the store before an import cannot commit, and learns of it by following maintenance")
    func staleInstance() async throws {
        let store = try await ExchangeFixture.filled(at: "a")
        let stale = try await ExchangeFixture.open("a")
        let export = try await store.text()
        _ = try await store.setMaintenance(true)
        try await beside({ try await stale.run() }) {
            var states = stale.followMaintenance().makeAsyncIterator()
            _ = try await states.next()
            try await store.importing(export, force: true)
            _ = try await store.setMaintenance(false)
            var state = try await states.next()
            while let current = state, current.isWanted { state = try await states.next() }
            #expect(state?.isCurrent(stale.authority.identity) == false)
        }
        #expect(
            await kind { _ = try await stale.commit(.of { $0.put(record: "x", type: "letter", Data()) }) }
                == .epochChanged
        )
        #expect(try await ExchangeFixture.open("a").letters().count == 3)
    }

    @Test("an import over newer commits brings back exactly the stream, and keeps what was there as an export")
    func olderContent() async throws {
        let store = try await ExchangeFixture.filled(at: "a")
        let export = try await store.text()
        _ = try await store.commit(
            .of {
                $0.put(record: "a", type: "letter", Data("newer"))
                $0.put(record: "later", type: "letter", Data("later"))
                $0.delete(record: "b", type: "letter")
            }
        )
        let newer = try await store.text()
        _ = try await store.setMaintenance(true)
        try await store.importing(export)
        let reopened = try await ExchangeFixture.open("a")
        #expect(
            try await reopened.text().split(separator: "\n").dropFirst() == export.split(separator: "\n").dropFirst()
        )
        let kept = try String(contentsOfFile: "\(TemporaryDirectory.path)/a/replaced.export", encoding: .utf8)
        #expect(try ExchangeFixture.records(in: kept) == ExchangeFixture.records(in: newer))
        try await reopened.importing(kept)
        #expect(try await ExchangeFixture.open("a").letters()["later"] == "later")
    }

    @Test("two imports at once: one of them is refused, and nothing is mixed")
    func twoImports() async throws {
        let store = try await ExchangeFixture.filled(at: "a")
        let other = try await ExchangeFixture.open("b")
        _ = try await other.commit(.of { $0.put(record: "only", type: "letter", Data("only")) })
        let (first, second) = (try await store.text(), try await other.text())
        _ = try await store.setMaintenance(true)
        let results = await withTaskGroup(of: StoreError.Kind?.self) { group in
            for export in [first, second] { group.addTask { await kind { try await store.importing(export) } } }
            return await group.reduce(into: [StoreError.Kind?]()) { $0.append($1) }
        }
        #expect(results.contains(nil))
        #expect(results.allSatisfy { $0 == nil || $0 == .locked })
        let letters = try await ExchangeFixture.open("a").letters()
        #expect([["only": "only"], try await store.letters()].contains(letters))
    }
}

extension ServiceInstance {
    static func sample(_ id: String, mode: Mode = .normal) -> ServiceInstance {
        ServiceInstance(
            id: id,
            service: "letters",
            host: "here",
            pid: 1,
            version: "1",
            mode: mode,
            seenRevision: 0,
            since: Date(timeIntervalSince1970: 0)
        )
    }
}
