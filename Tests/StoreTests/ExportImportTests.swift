import Base
import Foundation
import Store
import Synchronization
import TestSupport
import Testing

@Suite("export and import", .temporaryDirectory, .timeLimit(.minutes(5)))
struct ExportImportTests {
    @Test(
        "an import makes another store equal to the one that was exported, and its own export the same from the second line on"
    )
    func roundTrip() async throws {
        let source = try await ExchangeFixture.filled(at: "source")
        let target = try await ExchangeFixture.open("target")
        _ = try await target.commit(.of { $0.put(record: "old", type: "letter", Data("old")) })
        let export = try await source.text()
        _ = try await target.setMaintenance(true)
        let identity = try await target.importing(export)
        #expect(identity.generation == target.authority.identity.generation + 1)
        #expect(identity.epoch > target.authority.identity.epoch)

        let reopened = try await ExchangeFixture.open("target")
        let lines = try await reopened.text().split(separator: "\n")
        #expect(lines.dropFirst() == export.split(separator: "\n").dropFirst())
        #expect(try await reopened.letters() == source.letters())
        #expect(try await reopened.read { try $0.record(type: "letter", id: "old") } == nil)
    }

    @Test(
        "the first record that is wrong is named, whether it cannot be read or does not fit those before it",
        arguments: [(unreadable: 150, twice: 60, said: "letters come once"), (40, 90, "letters are readable")]
    )
    func firstWrong(_ unreadable: Int, _ twice: Int, _ said: String) async throws {
        let source = try await ExchangeFixture.open("source")
        let batch = Batch.of { batch in
            for number in 0..<200 {
                let text = number == unreadable ? "unreadable" : twice...(twice + 1) ~= number ? "twice" : "\(number)"
                batch.put(record: "\(1_000 + number)", type: "letter", Data(text))
            }
        }
        _ = try await source.commit(batch)
        let export = try await source.text()
        let refusal = await source.refusal(of: export.bytes)
        let lines = export.utf8.split(separator: UInt8(ascii: "\n"))
        let line = min(unreadable, twice + 1) + 1
        let byte = lines.prefix(line).reduce(0) { $0 + $1.count + 1 }
        #expect(refusal?.message == "Line \(line + 1), byte \(byte): \(said).")
    }

    @Test("an export shows one moment: whole commits up to the revision in its first line, while others commit")
    func snapshotUnderLoad() async throws {
        let store = try await ExchangeFixture.open("source")
        try await withThrowingTaskGroup { group in
            for writer in 0..<4 {
                group.addTask {
                    for number in 0..<100 {
                        _ = try await store.commit(
                            .of {
                                // Two records that are equal in every commit.
                                $0.put(record: "\(writer)-a", type: "letter", Data("\(number)"))
                                $0.put(record: "\(writer)-b", type: "letter", Data("\(number)"))
                            }
                        )
                    }
                }
            }
            group.addTask {
                for _ in 0..<10 {
                    let records = try ExchangeFixture.records(in: try await store.text())
                    for writer in 0..<4 { #expect(records["\(writer)-a"] == records["\(writer)-b"]) }
                }
            }
            try await group.waitForAll()
        }
        let export = try await store.export(service: "letters", types: ["letter"])
        #expect(try await export.header.revision == store.authority.currentRevision())
        #expect(export.entries == 8)
    }

    @Test(
        "an export made while others write, imported elsewhere, is what the store held at the revision in its first line"
    )
    func exportUnderLoad() async throws {
        let store = try await ExchangeFixture.open("source")
        let history = WrittenLetters()
        let exports = try await withThrowingTaskGroup(of: ExportFile?.self) { group in
            for writer in 0..<6 {
                group.addTask {
                    for number in 0..<150 {
                        let (id, text) = ("\(writer)-\(number % 10)", "\(number)")
                        let batch = Batch.of { $0.put(record: id, type: "letter", Data(text)) }
                        let revision = try await store.commit(batch).revision
                        history.letters.withLock { $0.append((revision, id, text)) }
                    }
                    return nil
                }
            }
            group.addTask {
                try await eventually("something is written", within: .seconds(60)) {
                    history.letters.withLock { $0.count > 20 }
                }
                return try await store.export(service: "letters", types: ["letter"])
            }
            return try await group.reduce(into: [ExportFile]()) { if let export = $1 { $0.append(export) } }
        }
        let export = try #require(exports.first)
        let target = try await ExchangeFixture.open("target")
        _ = try await target.setMaintenance(true)
        try await target.importing(try await export.text())
        let written = history.letters.withLock { $0 }.sorted { $0.revision < $1.revision }
        let expected = Dictionary(
            written.prefix { $0.revision <= export.header.revision }.map { ($0.id, $0.text) }
        ) { $1 }
        #expect(try await ExchangeFixture.open("target").letters() == expected)
    }

    @Test("a stream cut at any byte is refused with its position, and the store is as it was")
    func everyTruncation() async throws {
        let source = try await ExchangeFixture.filled(at: "source")
        let export = Array(try await source.text().utf8)
        let target = try await ExchangeFixture.filled(at: "target")
        _ = try await target.setMaintenance(true)
        let before = try await target.read { try $0.revision }
        for length in 0..<export.count {
            await expectRefusal(Array(export.prefix(length)), by: target, "cut at \(length)")
        }
        #expect(try await target.read { try $0.revision } == before)
    }

    @Test("a changed byte anywhere is refused")
    func everyCorruption() async throws {
        let source = try await ExchangeFixture.filled(at: "source")
        let export = Array(try await source.text().utf8)
        var random = SeededGenerator.announced()
        for position in export.indices {
            var damaged = export
            damaged[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            await expectRefusal(damaged, by: source, "byte \(position) is \(damaged[position])")
        }
    }

    @Test("lines that come twice, in another order, or are missing are refused with line and byte")
    func disorder() async throws {
        let source = try await ExchangeFixture.filled(at: "source")
        let lines = try await source.text().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for index in 1..<(lines.count - 2) {
            var repeated = lines
            repeated.insert(lines[index], at: index)
            await expectRefusal(repeated.joined(separator: "\n").bytes, by: source, "line \(index) twice")
            var swapped = lines
            swapped.swapAt(index, index + 1)
            await expectRefusal(swapped.joined(separator: "\n").bytes, by: source, "line \(index) later")
            var missing = lines
            missing.remove(at: index)
            await expectRefusal(missing.joined(separator: "\n").bytes, by: source, "line \(index) missing")
        }
        let refusal = await source.refusal(of: (lines[0] + "\n" + lines[2] + "\n" + lines[1] + "\n").bytes)
        #expect(refusal?.message.hasPrefix("Line 3, byte \(lines[0].utf8.count + lines[2].utf8.count + 2): ") == true)
    }

    @Test(
        "what is no export is refused",
        arguments: [
            "", "\n", "hello", "{", "[]", "{}", "{\"exportMeta\":{\"kind\":\"User\"},\"id\":\"1\"}", "<html>",
            "{\"id\":\"a\",\"data_type\":\"letter\",\"data\":\"!\"}",
            "{\"id\":\"a\",\"data_type\":\"letter\",\"data\":\"MQ==\"} x",
        ]
    )
    func foreign(text: String) async throws {
        let store = try await ExchangeFixture.open("source")
        await expectRefusal(text.bytes, by: store, text)
    }

    @Test(
        "an export of another service, of a newer version, and one with unknown types is refused; unknown types may be left out"
    )
    func otherService() async throws {
        let source = try await ExchangeFixture.filled(at: "source")
        let other = try await source.export(service: "numbers", types: ["letter"]).text()
        #expect(await source.refusal(of: other.bytes)?.message.contains("of the numbers") == true)

        _ = try await source.commit(.of { $0.put(record: "x", type: "novel", Data("new")) })
        let newer = try await source.text()
        #expect(await source.refusal(of: newer.bytes)?.message.contains("the type novel is unknown") == true)
        let intake = try await source.beginImport(ExchangeFixture.rules(skipsUnknown: true))
        try await intake.add(newer.bytes)
        let summary = try await intake.finish().summary
        #expect(summary.records["novel"] == nil)
        #expect(summary.warnings == ["1 records of the unknown type novel were left out."])
    }

    @Test("a record that the service cannot read is refused before anything is touched")
    func unreadableRecord() async throws {
        let source = try await ExchangeFixture.open("source")
        _ = try await source.commit(.of { $0.put(record: "bad", type: "letter", Data("unreadable")) })
        let refusal = await source.refusal(of: try await source.text().bytes)
        #expect(refusal?.message.contains("letters are readable") == true)
    }

    @Test("an export of Agola 0.7 is read by the service's converter, in any cutting, with a warning")
    func agola() async throws {
        let store = try await ExchangeFixture.open("source")
        let stream =
            "{\"id\":\"1\",\"data_type\":\"old\",\"data\":\"YQ==\"}{\"id\":\"2\",\"data_type\":\"old\",\n \"data\":\"Yg==\"}  \n"
        for size in [1, 7, 1000] {
            let intake = try await store.beginImport(ExchangeFixture.rules(), gathering: 1)
            for start in stride(from: 0, to: stream.utf8.count, by: size) {
                try await intake.add(Array(stream.bytes[start..<min(start + size, stream.utf8.count)]))
            }
            let summary = try await intake.finish().summary
            #expect(summary.records == ["letter": 2])
            #expect(summary.warnings.first?.contains("cannot be proved") == true)
        }
        _ = try await store.setMaintenance(true)
        _ = try await store.importing(stream)
        #expect(try await ExchangeFixture.open("source").letters() == ["1": "a", "2": "b"])
    }

    @Test("a service that Agola does not have takes no other program's export")
    func withoutAgola() async throws {
        let store = try await ExchangeFixture.open("source")
        let rules = ImportRules(service: "letters", types: ["letter"], makeCheck: { LetterCheck() })
        let intake = try await store.beginImport(rules)
        try await intake.add("{\"id\":\"1\",\"data_type\":\"old\",\"data\":\"YQ==\"}".bytes)
        await #expect {
            _ = try await intake.finish()
        } throws: {
            ErrorChain($0).first(APIError.self)?.message == "Line 1, byte 0: this is no export of the letters."
        }
    }

    @Test("records of any size up to the limit, and ids with any letters, go out and in")
    func largeRecords() async throws {
        let store = try await ExchangeFixture.open("source")
        let contents: [(id: String, data: Data)] = [
            ("quote \" back \\ slash", Data("1")), ("ünïcödé ☺", Data()), ("large", Data(count: 3 << 20)),
            ("largest", Data(count: StoreLimits.record)), ("z", Data([0, 255, 10, 34])),
        ]
        for content in contents {
            _ = try await store.commit(.of { $0.put(record: content.id, type: "letter", content.data) })
        }
        let export = try await store.text()
        _ = try await store.setMaintenance(true)
        _ = try await store.importing(export)
        let reopened = try await ExchangeFixture.open("source")
        for content in contents {
            #expect(try await reopened.read { try $0.record(type: "letter", id: content.id)?.data } == content.data)
        }
    }

    private func expectRefusal(_ stream: [UInt8], by store: ServiceStore, _ what: String) async {
        let refusal = await store.refusal(of: stream)
        #expect(refusal?.code == "invalidImport", "\(what): \(String(describing: refusal))")
        #expect(refusal?.message.hasPrefix("Line ") == true, "\(what)")
    }
}

/// What was acknowledged, in whatever order it was noted.
private final class WrittenLetters: Sendable {
    let letters = Mutex<[(revision: Revision, id: String, text: String)]>([])
}
