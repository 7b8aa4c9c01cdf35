import Base
import Foundation
import Store
import TestSupport
import Testing

@Suite("killed imports", .temporaryDirectory, .timeLimit(.minutes(5)))
struct KilledImportTests {
    private static let before = ["old": "old", "both": "before"]
    /// More than one chunk, so that the loading has several steps.
    private static let after = Dictionary(
        uniqueKeysWithValues: (0..<40).map { ("new-\($0)", String(repeating: "\($0) ", count: 20_000)) } + [
            ("both", "after")
        ]
    )

    @Test(
        "an import killed at any step has changed nothing, or everything if it was decided; the next one goes through",
        arguments: ["store.commit.decide", "store.commit.decided", "file.write", "file.rename"]
    )
    func everyStep(place: String) async throws {
        let export = "\(TemporaryDirectory.path)/new.export"
        try await exported(Self.after, to: export)
        var (kills, steps, isDone) = (0, 1, false)
        while !isDone {
            let directory = "\(TemporaryDirectory.path)/\(steps)"
            _ = try await filled(Self.before, in: directory)
            let probe = try Probe(
                "import",
                [export],
                directory: directory,
                under: ["env", "MARTLET_FAILPOINTS=\(place)=kill@\(steps)"]
            )
            let status = try await probe.wait()
            isDone = probe.lines.contains("imported")
            #expect(isDone == (status == 0))
            kills += isDone ? 0 : 1
            try await check(directory, isDone: isDone, lines: probe.lines)
            steps += 1
        }
        #expect(kills > 0, "nothing was killed at \(place)")
    }

    private func check(_ directory: String, isDone: Bool, lines: [String]) async throws {
        let store = try await LocalStore.open(directory: directory, projections: [])
        let contents = try await contents(of: store)
        #expect(contents == Self.before || contents == Self.after, "\(lines)")
        if isDone { #expect(contents == Self.after) }
        let leftovers = try await store.read { tx in
            try tx.rows("SELECT name FROM sqlite_master WHERE name LIKE 'staged%' OR name LIKE 'discarded%'")
                .map { try $0.text("name") }
        }
        #expect(leftovers == [])
        let files = try FileManager.default.contentsOfDirectory(atPath: directory)
        #expect(!files.contains { $0.hasSuffix(".tmp") }, "\(files)")
        if contents == Self.before, !lines.isEmpty {
            _ = try await store.setMaintenance(true)
            let again = try Probe("import", ["\(TemporaryDirectory.path)/new.export"], directory: directory)
            // The lock of the killed one went with its process.
            _ = try await again.wait()
            #expect(again.lines.contains("imported"), "\(again.lines)")
        }
    }

    private func contents(of store: ServiceStore) async throws -> [String: String] {
        try await store.read { tx in
            let records = try tx.records(type: "letter")
            return Dictionary(records.map { ($0.id, $0.value.data.text) }) { first, _ in first }
        }
    }

    private func filled(_ letters: [String: String], in directory: String) async throws -> ServiceStore {
        let store = try await LocalStore.open(directory: directory, projections: [])
        _ = try await store.commit(
            .of { for (id, text) in letters { $0.put(record: id, type: "letter", Data(text)) } }
        )
        return store
    }

    private func exported(_ letters: [String: String], to path: String) async throws {
        let store = try await filled(letters, in: "\(TemporaryDirectory.path)/source")
        let text = try await store.export(service: "letters", types: ["letter"]).text()
        try AtomicFile.write(text.utf8, to: path)
    }
}
