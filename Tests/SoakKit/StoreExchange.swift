import Base
import FoundationEssentials
import Store

/// Exports the shared store while it is at rest, imports that into it again, and looks whether it holds the same.
struct StoreExchange: Sendable {
    private let directory: String
    private let copies: String

    /// Prepares an exchange of the store in `directory`; `copies` is for looking at its file.
    init(directory: String, copies: String) {
        self.directory = directory
        self.copies = copies
    }

    /// Does both; the store has another generation afterwards.
    func run() async throws -> BrokenPromises {
        var broken = BrokenPromises("export and import")
        let before = try StoreFile(copying: directory, to: "\(copies)/before")
        let records = try before.rows(Self.records)
        let events = try before.numbers("SELECT last FROM stream WHERE name = 'all'").first ?? [0]
        let store = try await LocalStore.open(directory: directory, projections: [])
        let file = try await store.export(service: "soak", types: ["sum", "turn", "value"])
        broken.expect(file.entries == Int64(records.count), "\(file.entries) of \(records.count) records are exported")
        broken.expect(try await store.setMaintenance(true), "the store was in maintenance already")
        broken.expect(await Self.refusal(of: store) == .maintenance, "a commit in maintenance is accepted")
        let intake = try await store.beginImport(Self.rules)
        var offset: Int64 = 0
        while case let bytes = try await file.read(at: offset, count: 1 << 20), !bytes.isEmpty {
            try await intake.add(bytes)
            offset += Int64(bytes.count)
        }
        let identity = try await store.authority.replaceAll(with: intake.finish(), force: true)
        let old = store.authority.identity
        broken.expect(
            identity.generation > old.generation && identity.epoch > old.epoch,
            "the import has an old generation"
        )
        let imported = try await LocalStore.open(directory: directory, projections: [])
        broken.expect(try await imported.setMaintenance(false), "the import ended maintenance")
        broken.expect(
            await Self.refusal(of: store) == .epochChanged,
            "who opened the store before an import can commit"
        )
        broken.expect(await Self.refusal(of: imported) == nil, "nobody can commit after an import")
        let after = try StoreFile(copying: directory, to: "\(copies)/after")
        broken.expect(try after.rows(Self.records) == records, "the import is not what was exported")
        broken.expect(try after.rows("SELECT key FROM live").isEmpty, "live keys are left after an import")
        broken.expect(
            try after.numbers("SELECT last FROM stream WHERE name = 'all'").first ?? [0] == events,
            "the numbers of events do not go on after an import"
        )
        return broken
    }

    private static let records = "SELECT type, id, data FROM record ORDER BY type, id"

    /// Why a commit that changes nothing of interest is refused.
    private static func refusal(of store: ServiceStore) async -> StoreError.Kind? {
        do {
            var batch = Batch()
            batch.delete(record: "probe", type: "probe")
            batch.touch(group: "probe")
            _ = try await store.commit(batch)
            return nil
        } catch {
            return StoreError.kind(of: error)
        }
    }

    private static let rules = ImportRules(
        service: "soak",
        types: ["sum", "turn", "value"],
        makeCheck: { AnyRecord() }
    )

    private struct AnyRecord: RecordCheck {
        func check(_ record: ImportedRecord, _ content: Void) {}

        func finish() -> [String] { [] }
    }
}
