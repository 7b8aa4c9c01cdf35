import Base
import Foundation
import Store
import TestSupport
import Testing

@Suite("maintenance and instances", .temporaryDirectory, .timeLimit(.minutes(5)))
struct MaintenanceTests {
    @Test("from the moment maintenance is set no commit is accepted by any instance, until it is ended")
    func noCommitSlipsThrough() async throws {
        let first = try await ExchangeFixture.open("a")
        let second = try await ExchangeFixture.open("a")
        #expect(try await first.setMaintenance(true))
        #expect(try await !second.setMaintenance(true))
        for store in [first, second] {
            #expect(
                await kind { _ = try await store.commit(.of { $0.put(record: "x", type: "letter", Data()) }) }
                    == .maintenance
            )
        }
        #expect(try await second.setMaintenance(false))
        #expect(try await !first.setMaintenance(false))
        _ = try await first.commit(.of { $0.put(record: "x", type: "letter", Data()) })
    }

    @Test("commits that race with the toggling are all before or after it")
    func raceWithCommits() async throws {
        let store = try await ExchangeFixture.open("a")
        let toggling = try await ExchangeFixture.open("a")
        try await withThrowingTaskGroup { group in
            group.addTask {
                for _ in 0..<50 {
                    _ = try await toggling.setMaintenance(true)
                    let revision = try await toggling.authority.currentRevision()
                    // Nothing is committed now, however long one waits; the other writer tries all the time.
                    try await toggling.read { _ in }
                    #expect(try await toggling.authority.currentRevision() == revision)
                    _ = try await toggling.setMaintenance(false)
                }
            }
            group.addTask {
                while !Task.isCancelled {
                    do {
                        _ = try await store.commit(.of { $0.put(record: "x", type: "letter", Data()) })
                    } catch let error as StoreError where error.kind == .maintenance {
                        await Task.yield()
                    } catch is CancellationError {
                        return
                    }
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    @Test("many toggles by three at once leave all followers with the same last state")
    func manyToggles() async throws {
        let stores = try await [ExchangeFixture.open("a"), ExchangeFixture.open("a"), ExchangeFixture.open("a")]
        try await beside({
            try await withThrowingTaskGroup { group in
                for store in stores { group.addTask { try await store.run() } }
                try await group.waitForAll()
            }
        }) {
            try await withThrowingTaskGroup { group in
                for (index, store) in stores.enumerated() {
                    group.addTask {
                        for round in 0..<100 { _ = try await store.setMaintenance((round + index).isMultiple(of: 2)) }
                    }
                }
                try await group.waitForAll()
            }
            _ = try await stores[0].setMaintenance(false)
            _ = try await stores[0].setMaintenance(true)
            let final = try await stores[0].maintenance
            for store in stores {
                for try await state in store.followMaintenance() where state == final { break }
            }
        }
    }

    @Test("instances are seen by each other as long as their store is open, and their last word counts")
    func instances() async throws {
        let first = try await ExchangeFixture.open("a")
        #expect(try await first.instances() == [])
        try await first.announce(.sample("first"))
        do {
            let second = try await ExchangeFixture.open("a")
            try await second.announce(.sample("second"))
            try await second.announce(.sample("second", mode: .maintenance))
            #expect(try await first.instances() == [.sample("first"), .sample("second", mode: .maintenance)])
            #expect(try await second.instances() == first.instances())
        }
        try await eventually("the second is gone", within: .seconds(30)) {
            try await first.instances() == [.sample("first")]
        }
    }
}
