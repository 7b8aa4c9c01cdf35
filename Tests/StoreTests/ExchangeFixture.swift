import Base
import Foundation
import Store
import TestSupport

/// Stores of letters and numbers with a projection, for exports and imports.
enum ExchangeFixture {
    static func open(_ name: String) async throws -> ServiceStore {
        try await LocalStore.open(directory: "\(TemporaryDirectory.path)/\(name)", projections: [LetterModel()])
    }

    /// A store with a few records of two types, and with everything that an export leaves out.
    static func filled(at name: String) async throws -> ServiceStore {
        let store = try await open(name)
        _ = try await store.commit(
            .of {
                for id in ["a", "b", "c"] { $0.put(record: id, type: "letter", Data("value of \(id)")) }
                $0.put(record: "1", type: "number", Data("one"))
                $0.put(live: "run/1", Data("alive"))
                $0.touch(group: "letters")
                $0.append(event: Data("event"), to: "stream")
            }
        )
        return store
    }

    static func rules(skipsUnknown: Bool = false) -> ImportRules {
        var rules = ImportRules(
            service: "letters",
            types: ["letter", "number"],
            makeCheck: { LetterCheck() },
            makeAgolaConverter: { _ in OldLetters() }
        )
        rules.skipsUnknown = skipsUnknown
        return rules
    }

    /// The records of an export by id.
    static func records(in text: String) throws -> [String: Data] {
        struct Entry: Decodable {
            let id: String
            let data: Data
        }
        let lines = text.split(separator: "\n").dropFirst().dropLast()
        let entries = try lines.map { try JSONCoding.decode(Entry.self, from: $0.utf8) }
        return Dictionary(entries.map { ($0.id, $0.data) }) { first, _ in first }
    }
}

extension ServiceStore {
    /// The whole export.
    func text() async throws -> String {
        try await export(service: "letters", types: ["letter", "number"]).text()
    }

    /// Imports a whole stream.
    @discardableResult
    func importing(_ stream: String, force: Bool = false) async throws -> StoreIdentity {
        let intake = try await beginImport(ExchangeFixture.rules(), gathering: 1)
        for start in stride(from: 0, to: stream.bytes.count, by: 1 << 16) {
            try await intake.add(Array(stream.bytes[start..<min(start + 1 << 16, stream.bytes.count)]))
        }
        return try await authority.replaceAll(with: intake.finish(), force: force)
    }

    /// Why a stream is refused; nil when it is not.
    func refusal(of stream: [UInt8]) async -> APIError? {
        do {
            let intake = try await beginImport(ExchangeFixture.rules())
            try await intake.add(stream)
            _ = try await intake.finish()
            return nil
        } catch {
            return ErrorChain(error).first(APIError.self)
        }
    }

    /// What the projection says.
    func letters() async throws -> [String: String] {
        try await read { tx in
            let rows = try tx.rows("SELECT id, text FROM letter_list ORDER BY text, id")
            return Dictionary(try rows.map { (try $0.text("id"), try $0.text("text")) }) { first, _ in first }
        }
    }
}

extension ExportFile {
    /// All of it.
    func text() async throws -> String {
        var bytes: [UInt8] = []
        while case let part = try await read(at: Int64(bytes.count), count: 1 << 16), !part.isEmpty { bytes += part }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension String {
    var bytes: [UInt8] { Array(utf8) }
}

/// The letters' texts, and whether they are alive.
struct LetterModel: Projection {
    let name = "letter"
    let version = 1
    let schema = """
        CREATE TABLE letter_list(id TEXT PRIMARY KEY, text TEXT NOT NULL);
        CREATE INDEX letter_list_text ON letter_list(text);
        CREATE TABLE letter_live(key TEXT PRIMARY KEY);
        """

    func effect(of change: ProjectedChange) -> ProjectedChange? { change }

    func apply(_ change: ProjectedChange, to tables: ProjectionWriter) throws {
        switch change {
        case .record("letter", let id, let data):
            try tables.execute("DELETE FROM letter_list WHERE id = ?", [.text(id)])
            guard let data else { return }
            try tables.execute("INSERT INTO letter_list VALUES (?, ?)", [.text(id), .text(data.prefix(100).text)])
        case .live(let key, let data):
            try tables.execute("DELETE FROM letter_live WHERE key = ?", [.text(key)])
            if data != nil { try tables.execute("INSERT INTO letter_live VALUES (?)", [.text(key)]) }
        default: break
        }
    }
}

/// Refuses letters that cannot be read, and one that comes twice in a row.
struct LetterCheck: RecordCheck {
    private var last = Data()

    static func read(_ record: ImportedRecord) throws -> Data {
        guard record.data != Data("unreadable") else { throw APIError(.badRequest, "letters are readable") }
        return record.data
    }

    mutating func check(_ record: ImportedRecord, _ content: Data) throws {
        guard content == record.data else { throw Failure("what was read is another record's") }
        guard content != last || content != Data("twice") else { throw APIError(.badRequest, "letters come once") }
        last = content
    }

    func finish() -> [String] { [] }
}

/// Another program's letters.
private struct OldLetters: RecordConverter {
    let types: Set<String> = ["old"]
    let warnings: [String] = []

    func convert(_ record: ImportedRecord) throws -> [ImportedRecord] {
        [ImportedRecord(type: "letter", id: record.id, data: record.data)]
    }

    func finish() -> [ImportedRecord] { [] }
}
