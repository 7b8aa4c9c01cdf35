import Base
import Foundation
import Store
import TestSupport
import Testing

@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct ProjectionTests {
    @Test("tables follow records and live keys in the same commit", arguments: AuthorityKind.allCases)
    func follows(_ authority: AuthorityKind) async throws {
        let store = try await authority.open([Names()])
        _ = try await store.commit(
            .of {
                $0.put(record: "1", type: "project", Data("one"))
                $0.put(record: "2", type: "project", Data("two"))
                $0.put(live: "project/3", Data("three"))
                $0.put(record: "9", type: "other", Data("ignored"))
            }
        )
        #expect(try await names(store) == ["one", "three", "two"])
        _ = try await store.commit(
            .of {
                $0.delete(record: "1", type: "project")
                $0.put(record: "2", type: "project", Data("zwei"))
                $0.delete(livePrefix: "project/")
            }
        )
        #expect(try await names(store) == ["zwei"])
    }

    @Test("a projection's error refuses the batch and only that", arguments: AuthorityKind.allCases)
    func refusal(_ authority: AuthorityKind) async throws {
        let store = try await authority.open([Names()])
        try await withThrowingTaskGroup { group in
            for number in 0..<20 {
                group.addTask {
                    let isBad = number % 4 == 0
                    let found = await kind {
                        _ = try await store.commit(
                            .of {
                                $0.put(record: "\(number)", type: "project", Data("p\(number)"))
                                if isBad {
                                    $0.put(
                                        record: "bad\(number)",
                                        type: "project",
                                        Data(number % 8 == 0 ? "bad" : "worse")
                                    )
                                }
                            }
                        )
                    }
                    #expect(found == (isBad ? .invalid : nil))
                }
            }
            try await group.waitForAll()
        }
        let expected = (0..<20).filter { $0 % 4 > 0 }.map { "p\($0)" }.sorted()
        #expect(try await names(store) == expected)
        #expect(try await store.authority.currentRevision() == 15)
        #expect(try await store.read { try $0.records(type: "project").count } == 15)
    }

    @Test("another version derives the tables again; a projection that is gone leaves none")
    func rebuild() async throws {
        let first = try await LocalStore.open(
            directory: TemporaryDirectory.path,
            projections: [Names(), Names(name: "extra")]
        )
        _ = try await first.commit(
            .of { batch in
                for number in 0..<1_000 { batch.put(record: "\(number)", type: "project", Data("p\(number)")) }
                batch.put(live: "project/x", Data("live"))
            }
        )
        let second = try await LocalStore.open(
            directory: TemporaryDirectory.path,
            projections: [Names(version: 2, suffix: "!")]
        )
        let rebuilt = try await names(second)
        #expect(rebuilt.count == 1_001 && rebuilt.allSatisfy { $0.hasSuffix("!") })
        #expect(await kind { _ = try await second.read { try $0.rows("SELECT * FROM extra_item").count } } == .invalid)
        #expect(await kind { _ = try await first.commit(.of { $0.put(live: "a", Data()) }) } == .epochChanged)
        _ = try await second.commit(.of { $0.put(record: "0", type: "project", Data("new")) })
        #expect(try await names(second).contains("new!"))
    }

    @Test(
        "projections that break the rules are refused, and leave nothing",
        arguments: [
            Names(name: "Upper"), Names(name: ""), Names(name: "record"), Names(name: "a_b"),
            Names(schema: "CREATE TABLE foreign_name (a)"), Names(schema: "CREATE TABLE names_item (a TEXT UNIQUE)"),
            Names(
                schema:
                    "CREATE TABLE names_item (id TEXT PRIMARY KEY, name TEXT); CREATE UNIQUE INDEX names_u ON names_item (name)"
            ),
            Names(schema: "CREATE TABLE names_item (a REFERENCES record (id))"),
            Names(schema: "CREATE TRIGGER names_t AFTER INSERT ON live BEGIN DELETE FROM record; END"),
            Names(schema: "CREATE VIEW names_v AS SELECT 1"), Names(schema: "not SQL"),
        ]
    )
    func rules(_ projection: Names) async throws {
        let directory = TemporaryDirectory.path
        #expect(
            await kind { _ = try await LocalStore.open(directory: directory, projections: [projection]) } == .invalid
        )
        let store = try await LocalStore.open(directory: directory, projections: [Names()])
        #expect(try await names(store).isEmpty)
    }

    @Test("two projections of one name are refused")
    func twice() async throws {
        let directory = TemporaryDirectory.path
        #expect(
            await kind { _ = try await LocalStore.open(directory: directory, projections: [Names(), Names()]) }
                == .invalid
        )
    }

    private func names(_ store: ServiceStore) async throws -> [String] {
        try await store.read { try $0.rows("SELECT name FROM names_item ORDER BY name").map { try $0.text("name") } }
    }
}

/// Lists the names of projects, wherever they are.
struct Names: Projection {
    var name = "names"
    var version = 1
    var suffix = ""
    private let ownSchema: String?

    init(name: String = "names", version: Int = 1, suffix: String = "", schema: String? = nil) {
        self.name = name
        self.version = version
        self.suffix = suffix
        ownSchema = schema
    }

    var schema: String {
        ownSchema
            ?? """
            CREATE TABLE \(name)_item (key TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
            CREATE INDEX \(name)_item_name ON \(name)_item (name);
            """
    }

    struct Effect {
        let key: String
        let name: String?
    }

    func effect(of change: ProjectedChange) throws -> Effect? {
        switch change {
        case .record("project", let id, let data): try put("r/\(id)", data)
        case .live(let key, let data) where key.hasPrefix("project/"): try put(key, data)
        default: nil
        }
    }

    private func put(_ key: String, _ data: Data?) throws -> Effect {
        if data?.text == "bad" { throw Failure("a bad name") }
        return Effect(key: key, name: data.map { $0.text + suffix })
    }

    func apply(_ effect: Effect, to tables: ProjectionWriter) throws {
        if effect.name == "worse" { throw Failure("a worse name") }
        try tables.execute("DELETE FROM \(name)_item WHERE key = ?", [.text(effect.key)])
        guard let text = effect.name else { return }
        try tables.execute("INSERT INTO \(name)_item VALUES (?, ?)", [.text(effect.key), .text(text)])
    }
}
