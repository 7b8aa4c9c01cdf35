import FoundationEssentials

/// The sizes that every profile accepts, so that a batch that fits one also fits the other.
package enum StoreLimits {
    /// Bytes of one record.
    package static let record = 16 << 20
    /// Bytes of one live value.
    package static let live = 256 << 10
    /// Bytes of one event.
    package static let event = 64 << 10
    /// Characters of a change group's name.
    package static let group = 256
    /// Bytes of a record's id or type, of a live key, a stream's or a lock's name.
    package static let name = 1024
    /// Changes and events of one batch.
    package static let changes = 100_000
    /// Bytes of one batch.
    package static let batch = 64 << 20

    /// Throws unless `name` may name a thing in the store: not empty, not too long, no control characters.
    static func check(_ name: String, _ what: @autoclosure () -> String, allowsEmpty: Bool = false) throws {
        guard allowsEmpty || !name.isEmpty else { throw StoreError(.invalid, "\(what()) is empty") }
        guard name.utf8.count <= Self.name else {
            throw StoreError(.tooLarge, "\(what()) has \(name.utf8.count) bytes; at most \(Self.name) are allowed")
        }
        guard name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw StoreError(.invalid, "\(what()) contains a control character")
        }
    }

    static func check(_ data: Data, limit bytes: Int, _ what: @autoclosure () -> String) throws {
        guard data.count <= bytes else {
            throw StoreError(.tooLarge, "\(what()) has \(data.count) bytes; at most \(bytes) are allowed")
        }
    }
}

extension Batch {
    /// Checks names and sizes before anything is written.
    func validate() throws {
        guard changes.count + events.count + groups.count <= StoreLimits.changes else {
            throw StoreError(.tooLarge, "a batch may hold \(StoreLimits.changes) changes")
        }
        var bytes = 0
        for change in changes { bytes += try Self.validate(change) }
        for event in events {
            try StoreLimits.check(event.stream, "an event stream's name")
            try StoreLimits.check(event.data, limit: StoreLimits.event, "an event of \(event.stream)")
            bytes += event.data.count
        }
        for group in groups { try Self.validate(group: group) }
        if let id { try StoreLimits.check(id, "a batch id") }
        guard bytes <= StoreLimits.batch else {
            throw StoreError(.tooLarge, "the batch has \(bytes) bytes; at most \(StoreLimits.batch) are allowed")
        }
    }

    static func validate(group: String) throws {
        guard !group.isEmpty else { throw StoreError(.invalid, "a change group's name is empty") }
        guard group.count <= StoreLimits.group else {
            throw StoreError(.tooLarge, "a change group's name has \(group.count) characters")
        }
    }

    private static func validate(_ change: Change) throws -> Int {
        switch change {
        case .putRecord(let type, let id, let data):
            try StoreLimits.check(type, "a record's type")
            try StoreLimits.check(id, "the id of a \(type)")
            try StoreLimits.check(data, limit: StoreLimits.record, "record \(type) \(id)")
            return data.count
        case .deleteRecord(let type, let id):
            try StoreLimits.check(type, "a record's type")
            try StoreLimits.check(id, "the id of a \(type)")
        case .putLive(let key, let data, _):
            try StoreLimits.check(key, "a live key")
            try StoreLimits.check(data, limit: StoreLimits.live, "live key \(key)")
            return data.count
        case .deleteLive(let key):
            try StoreLimits.check(key, "a live key")
        case .deleteLivePrefix(let prefix):
            try StoreLimits.check(prefix, "a live key prefix")
        }
        return 0
    }
}
