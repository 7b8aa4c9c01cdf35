import Base
import Foundation
import Store
import Synchronization
import TestSupport
import Testing

@Suite("schemas, copies and retention", .temporaryDirectory, .timeLimit(.minutes(5)))
struct SchemaTests {
    /// The stored databases: one of every schema version there has been before the current one.
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Schemas")

    @Test("a store of every former schema opens with all that is in it, and goes on", arguments: [1])
    func migration(version: Int) async throws {
        try FileManager.default.copyItem(
            atPath: Self.fixtures.appending(path: "version-\(version).sqlite").path,
            toPath: "\(TemporaryDirectory.path)/store.sqlite"
        )
        for _ in 0..<2 {
            let store = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [LetterModel()])
            try await store.read { tx throws in
                #expect(try tx.record(type: "letter", id: "alpha")?.data.text == "{\"value\":1}")
                #expect(try tx.record(type: "letter", id: "beta") == nil)
                #expect(try tx.record(type: "number", id: "one")?.data.text == "1")
                #expect(try tx.live(prefix: "").map(\.key) == ["run/1", "task/1"])
                #expect(
                    try tx.events(of: "runs", after: 0).prefix(3).map(\.data.text)
                        == ["first event", "second event", "third event"]
                )
            }
            #expect(try await store.letters() == ["alpha": "{\"value\":1}"])
            var retried = Batch()
            retried.id = "first"
            retried.put(record: "alpha", type: "letter", Data("never"))
            #expect(try await store.commit(retried).events["runs"] == 1...2, "the receipt of an old commit counts")
            _ = try await store.commit(.of { $0.append(event: Data("new"), to: "runs") })
        }
    }

    @Test("an unknown older schema, and a newer one, are refused and not touched", arguments: [0, 1000])
    func unknownSchema(version: Int) async throws {
        do { _ = try await LocalStore.open(directory: TemporaryDirectory.path, projections: []) }
        let path = "\(TemporaryDirectory.path)/store.sqlite"
        try SQLiteFile.execute("PRAGMA user_version = \(version)", at: path)
        let before = try Data(contentsOf: URL(filePath: path))
        let refused = await kind { _ = try await LocalStore.open(directory: TemporaryDirectory.path, projections: []) }
        #expect(refused == (version == 0 ? .corrupted : .newerSchema))
        #expect(try Data(contentsOf: URL(filePath: path)) == before)
    }

    @Test("a store that was never initialised has an error of its own, and is not made on the way")
    func notInitialized() async throws {
        var options = StoreOptions()
        options.createsStore = false
        let directory = "\(TemporaryDirectory.path)/none"
        for _ in 0..<2 {
            let refused = await kind {
                _ = try await LocalStore.open(directory: directory, projections: [], options: options)
            }
            #expect(refused == .notInitialized)
            #expect(!FileManager.default.fileExists(atPath: directory))
        }
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        try AtomicFile.write([], to: "\(directory)/store.sqlite")
        #expect(
            await kind { _ = try await LocalStore.open(directory: directory, projections: [], options: options) }
                == .notInitialized
        )
        _ = try await LocalStore.open(directory: directory, projections: [])
        _ = try await LocalStore.open(directory: directory, projections: [], options: options)
    }

    @Test("a copy made while others commit is a store that shows one moment")
    func hotCopy() async throws {
        let store = try await ExchangeFixture.filled(at: "a")
        let copy = "\(TemporaryDirectory.path)/copy"
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: false)
        try await withThrowingTaskGroup { group in
            group.addTask {
                for number in 0... {
                    if Task.isCancelled { return }
                    do {
                        _ = try await store.commit(
                            .of {
                                $0.put(record: "x", type: "letter", Data("\(number)"))
                                $0.put(live: "x", Data("\(number)"))
                            }
                        )
                    } catch is CancellationError { return }
                }
            }
            try await eventually("something is committed", within: .seconds(30)) {
                try await store.read { try $0.record(type: "letter", id: "x") } != nil
            }
            try await store.store.copy(to: "\(copy)/store.sqlite")
            group.cancelAll()
            try await group.waitForAll()
        }
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(copy)/store.sqlite")
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let opened = try await LocalStore.open(directory: copy, projections: [LetterModel()])
        try await opened.read { tx throws in
            #expect(try tx.record(type: "letter", id: "x")?.data == tx.live("x")?.data)
            #expect(try tx.record(type: "letter", id: "a")?.data.text == "value of a")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: copy).allSatisfy { !$0.hasSuffix(".tmp") })
    }

    @Test("events are kept while they are young, however many there are, and while they are few, however old")
    func retention() async throws {
        let now = ManualDate()
        var options = StoreOptions()
        options.eventsKept = 10
        options.eventAge = .seconds(100)
        options.wallClock = { now.value }
        let store = try await LocalStore.open(directory: TemporaryDirectory.path, projections: [], options: options)
        func append(_ count: Int) async throws {
            for _ in 0..<count { _ = try await store.commit(.of { $0.append(event: Data(), to: "s") }) }
        }
        try await append(50)
        #expect(try await store.read { try $0.oldestEvent(of: "s") } == 1, "all are young")
        now.advance(by: 99)
        try await append(30)
        #expect(try await store.read { try $0.oldestEvent(of: "s") } == 1)
        now.advance(by: 2)
        try await append(1)
        #expect(try await store.read { try $0.oldestEvent(of: "s") } == 51, "the first fifty are old")
        now.advance(by: 1_000)
        try await append(1)
        #expect(try await store.read { try $0.oldestEvent(of: "s") } == 73, "ten are kept")
        // A clock that was set back keeps more and loses nothing.
        now.advance(by: -5_000)
        try await append(40)
        #expect(try await store.read { try $0.events(of: "s", after: 72).count } == 50)
    }
}

/// A wall clock with hands.
private final class ManualDate: Sendable {
    private let date = Mutex(Date(timeIntervalSince1970: 1_000_000))

    var value: Date { date.withLock { $0 } }

    func advance(by seconds: Double) {
        date.withLock { $0.addTimeInterval(seconds) }
    }
}
