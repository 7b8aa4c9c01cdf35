import Base
import GRDB

extension WriteTransaction {
    /// Checks everything a batch expects, then applies it.
    ///
    /// All checks come before the first write, so that a refused batch costs reads only.
    func apply(_ batch: Batch, opened: StoreIdentity) throws -> Committed {
        if let id = batch.id, let receipt = try receipt(id) { return receipt }
        // The wish for maintenance has nothing to do with the content.
        if batch.maintenance != .ignored { try checkIdentity(opened) }
        try check(batch.maintenance)
        for expectation in batch.expectations { try check(expectation) }
        guard !batch.isEmpty else { return Committed(revision: meta.revision) }
        let revision = nextRevision()
        for change in batch.changes { try apply(change) }
        for group in batch.groups { try touch(group: group) }
        let committed = Committed(revision: revision, events: try append(batch.events))
        if let id = batch.id { try keepReceipt(id, committed) }
        return committed
    }

    /// Refuses a process whose knowledge of the store is out of date.
    func checkIdentity(_ opened: StoreIdentity) throws {
        guard meta.epoch == opened.epoch, meta.generation == opened.generation, meta.storeID == opened.storeID else {
            throw StoreError(.epochChanged, "the store's content was replaced; open it again")
        }
        guard meta.projections == projections.signature else {
            throw StoreError(.epochChanged, "another version of the service took over the store; open it again")
        }
    }

    private func check(_ expected: MaintenanceExpectation) throws {
        switch expected {
        case .ignored: return
        case .absent: if try isInMaintenance() { throw StoreError.inMaintenance() }
        case .present: if try !isInMaintenance() { throw StoreError.unmet(.maintenance(.present)) }
        }
    }

    private func check(_ expectation: Expectation) throws {
        let holds =
            switch expectation {
            case .live(let key, let presence):
                try matches("SELECT revision FROM live WHERE key = ?", [.text(key)], presence)
            case .record(let type, let id, let presence):
                try matches(
                    "SELECT revision FROM record WHERE type = ? AND id = ?",
                    [.text(type), .text(id)],
                    presence
                )
            case .group(let name, let seen, let asOf):
                try isUnchanged(group: name, seen: seen, asOf: asOf)
            case .fence(let handle):
                try isHeld(handle)
            case .maintenance:
                true
            }
        guard holds else { throw StoreError.unmet(expectation) }
    }

    private func matches(_ sql: String, _ arguments: [SQLValue], _ presence: Presence) throws -> Bool {
        let revision = try db.firstRow(sql, arguments)?.integer("revision")
        switch presence {
        case .absent: return revision == nil
        case .present: return revision != nil
        case .revision(let expected): return revision == expected
        }
    }

    /// A group that was forgotten was not touched since the floor; a token older than the floor proves nothing.
    private func isUnchanged(group: String, seen: Revision?, asOf: Revision) throws -> Bool {
        guard asOf >= meta.groupFloor, asOf <= meta.revision else { return false }
        let row = try db.firstRow("SELECT revision FROM grp WHERE hash = ?", [.blob(ChangeGroup.hash(group))])
        guard let current = try row?.integer("revision") else { return (seen ?? 0) <= meta.groupFloor }
        return current == seen
    }

    private func apply(_ change: Batch.Change) throws {
        switch change {
        case .putRecord(let type, let id, let data): try putRecord(type: type, id: id, data)
        case .deleteRecord(let type, let id): try deleteRecord(type: type, id: id)
        case .putLive(let key, let data, let lease): try putLive(key, data, lease: lease)
        case .deleteLive(let key): try deleteLive(key)
        case .deleteLivePrefix(let prefix): try deleteLive(prefix: prefix)
        }
    }

    private func append(_ events: [Batch.Event]) throws -> [String: ClosedRange<Int64>] {
        guard !events.isEmpty else { return [:] }
        let streams = Dictionary(grouping: events, by: \.stream)
        var sequences: [String: ClosedRange<Int64>] = [:]
        for (stream, events) in streams.sorted(by: { $0.key < $1.key }) {
            sequences[stream] = try append(events.map(\.data), to: stream)
        }
        return sequences
    }
}

// MARK: - Receipts

extension WriteTransaction {
    private struct Receipt: Codable {
        let stream: String
        let first: Int64
        let last: Int64
    }

    private func receipt(_ id: String) throws -> Committed? {
        guard let row = try db.firstRow("SELECT revision, events FROM receipt WHERE id = ?", [.text(id)]) else {
            return nil
        }
        let receipts = try JSONCoding.decode([Receipt].self, from: try row.text("events").utf8)
        let events = receipts.map { ($0.stream, $0.first...$0.last) }
        return Committed(revision: try row.integer("revision"), events: Dictionary(events) { first, _ in first })
    }

    private func keepReceipt(_ id: String, _ committed: Committed) throws {
        let receipts = committed.events.map {
            Receipt(stream: $0.key, first: $0.value.lowerBound, last: $0.value.upperBound)
        }
        let text = String(decoding: try JSONCoding.encode(receipts), as: UTF8.self)
        try db.run("INSERT INTO receipt VALUES (?, ?, ?)", [.text(id), .integer(committed.revision), .text(text)])
    }
}
