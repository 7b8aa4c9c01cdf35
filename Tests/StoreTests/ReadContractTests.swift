import Base
import Foundation
import Store
import TestSupport
import Testing

@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct ReadContractTests {
    /// A query that runs for hours.
    private static let endless = """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n WHERE i < 0
        """

    @Test("prefixes and pages follow byte order, whatever characters the keys have", arguments: AuthorityKind.allCases)
    func prefixes(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        let keys = [
            "a", "a%", "a%b", "a_", "a_b", "aB", "ab", "a/b", "a/é", "a\u{10FFFF}", "a\u{10FFFF}x", "b", "é",
            "\u{D7FF}x", "\u{E000}",
        ]
        _ = try await store.commit(.of { batch in keys.forEach { batch.put(live: $0, Data($0)) } })
        let sorted = keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        for prefix in ["", "a", "a%", "a_", "a/", "a\u{10FFFF}", "\u{10FFFF}", "\u{D7FF}", "é", "c"] {
            let expected = sorted.filter { $0.utf8.starts(with: prefix.utf8) }
            let found = try await store.read { try $0.live(prefix: prefix).map(\.key) }
            #expect(found == expected, "prefix \(prefix)")
            let paged = try await store.read { tx in
                var pages: [String] = []
                while case let page = try tx.live(prefix: prefix, after: pages.last, limit: 2), !page.isEmpty {
                    pages += page.map(\.key)
                }
                return pages
            }
            #expect(paged == expected, "pages of \(prefix)")
        }
        let early = try await store.read { try $0.live(prefix: "b", after: "a").map(\.key) }
        #expect(early == ["b"])
        _ = try await store.commit(.of { $0.delete(livePrefix: "a%") })
        #expect(
            try await store.read { try $0.live(prefix: "a").count }
                == sorted.count { $0.hasPrefix("a") && !$0.hasPrefix("a%") }
        )
    }

    @Test("one transaction is one snapshot while others write", arguments: AuthorityKind.allCases)
    func snapshot(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        let names = (0..<200).map { "k/\($0)" }
        let write: @Sendable (Int) async throws -> Void = { round in
            _ = try await store.commit(.of { batch in names.forEach { batch.put(live: $0, Data("\(round)")) } })
        }
        try await write(0)
        try await withThrowingTaskGroup { group in
            group.addTask { for round in 1...30 { try await write(round) } }
            for _ in 0..<3 {
                group.addTask {
                    for _ in 0..<30 {
                        let rounds = try await store.read { tx in
                            var rounds: Set<String> = []
                            var last: String?
                            while case let page = try tx.live(prefix: "k/", after: last, limit: 17), !page.isEmpty {
                                rounds.formUnion(page.map(\.value.data.text))
                                last = page.last?.key
                            }
                            return rounds
                        }
                        #expect(rounds.count == 1, "pages of \(rounds)")
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("a cancelled read stops its statement, and the connection serves on", arguments: AuthorityKind.allCases)
    func cancellation(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        for _ in 0..<10 {
            let (started, start) = AsyncStream.makeStream(of: Void.self)
            let reading = Task {
                try await store.read { tx in
                    start.yield()
                    return try tx.rows(Self.endless).count
                }
            }
            for await _ in started { break }
            reading.cancel()
            await #expect(throws: CancellationError.self) { try await reading.value }
            #expect(try await store.read { try $0.revision } == 0)
        }
    }

    @Test("reads beyond the connections wait, and leave the line when cancelled", arguments: AuthorityKind.allCases)
    func waitingReads(_ authority: AuthorityKind) async throws {
        var options = StoreOptions()
        options.readers = 1
        let store = try await authority.open(options: options)
        let (started, start) = AsyncStream.makeStream(of: Void.self)
        let blocking = Task {
            try await store.read { tx in
                start.yield()
                return try tx.rows(Self.endless).count
            }
        }
        for await _ in started { break }
        let waiting = Task { try await store.read { try $0.revision } }
        let leaving = Task { try await store.read { try $0.revision } }
        leaving.cancel()
        await #expect(throws: CancellationError.self) { try await leaving.value }
        blocking.cancel()
        #expect(try await waiting.value == 0)
    }

    @Test("a read ends at its deadline", arguments: AuthorityKind.allCases)
    func deadline(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        await #expect(throws: DeadlineExceeded.self) {
            try await store.read(deadline: .after(.milliseconds(30))) { try $0.rows(Self.endless).count }
        }
        await #expect(throws: DeadlineExceeded.self) {
            try await store.read(deadline: .after(.zero)) { try $0.revision }
        }
        #expect(try await store.read(deadline: .after(.seconds(30))) { try $0.revision } == 0)
    }

    @Test("values of every type are bound and read back", arguments: AuthorityKind.allCases)
    func values(_ authority: AuthorityKind) async throws {
        let store = try await authority.open()
        let now = Date(timeIntervalSince1970: 1_790_000_000.123)
        try await store.read { tx throws in
            let rows = try tx.rows(
                "SELECT ? AS i, ? AS r, ? AS t, ? AS b, ? AS n, ? AS d, ? AS y",
                [42, 1.5, "it's; DROP TABLE record", .blob(Data([0, 255])), nil, .date(now), true]
            )
            let row = try #require(rows.first)
            #expect(try row.integer("i") == 42)
            #expect(try row.real("r") == 1.5)
            #expect(try row.real("i") == 42)
            #expect(try row.text("t") == "it's; DROP TABLE record")
            #expect(try row.blob("b") == Data([0, 255]))
            #expect(
                try row.textIfPresent("n") == nil && row.integerIfPresent("n") == nil && row.blobIfPresent("n") == nil
            )
            #expect(try row.date("d") == now && row.dateIfPresent("n") == nil)
            #expect(try row.bool("y"))
            #expect(throws: StoreError.self) { try row.integer("t") }
            #expect(throws: StoreError.self) { try row.text("n") }
            #expect(throws: StoreError.self) { try row.text("no such column") }
        }
    }

    @Test(
        "wrong statements and writes are refused, and what the closure throws passes through",
        arguments: AuthorityKind.allCases
    )
    func refused(_ authority: AuthorityKind) async throws {
        struct Own: Error {}
        let store = try await authority.open()
        for sql in [
            "SELECT nothing FROM nowhere", "SELECT ?", "not SQL", "DELETE FROM record", "INSERT INTO live VALUES (1)",
        ] {
            let found = await kind { _ = try await store.read { try $0.rows(sql).count } }
            #expect(found == .invalid || found == .unavailable, "\(sql): \(String(describing: found))")
        }
        await #expect(throws: Own.self) { try await store.read { _ in throw Own() } }
        #expect(try await store.read { try $0.revision } == 0)
    }

    @Test("values are stored as JSON and read back with their revision", arguments: AuthorityKind.allCases)
    func json(_ authority: AuthorityKind) async throws {
        struct Run: Codable, Equatable { let name: String, at: Date }
        let store = try await authority.open()
        let run = Run(name: "é", at: Date(timeIntervalSince1970: 1_790_000_000.5))
        _ = try await store.commit(
            .of {
                try $0.put(record: "1", type: "run", value: run)
                try $0.put(live: "runs/1", value: run)
                try $0.append(event: run, to: "s")
                $0.put(live: "broken", Data("{"))
            }
        )
        try await store.read { tx throws in
            #expect(try tx.record(type: "run", id: "1", as: Run.self)?.value == run)
            #expect(try tx.records(type: "run", as: Run.self).map(\.value.value) == [run])
            #expect(try tx.live("runs/1", as: Run.self)?.revision == 1)
            #expect(try tx.live(prefix: "runs/", as: Run.self).map(\.value.value) == [run])
            #expect(try tx.events(of: "s", after: 0).map { try $0.decoded(Run.self) } == [run])
            #expect(throws: Failure.self) { try tx.live("broken", as: Run.self) }
        }
    }
}
