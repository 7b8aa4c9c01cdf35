package import FoundationEssentials

/// The number of a commit: every committed batch gets the next one.
package typealias Revision = Int64

/// Changes that take effect together or not at all, with the conditions under which they may.
///
/// A batch is a value: build it from what a ``ReadTransaction`` showed, guard it with expectations, and hand it to a
/// ``CommitAuthority``. Changes apply in the order they were added; a later change of the same key wins. A batch may move
/// several records and live keys, or none at all.
package struct Batch: Sendable {
    /// One change of a record or live key.
    enum Change: Sendable {
        case putRecord(type: String, id: String, data: Data)
        case deleteRecord(type: String, id: String)
        case putLive(key: String, data: Data, lease: LeaseHandle?)
        case deleteLive(key: String)
        case deleteLivePrefix(String)
    }

    /// One event for a stream.
    struct Event: Sendable {
        let stream: String
        let data: Data
    }

    private(set) var changes: [Change] = []
    private(set) var groups: [String] = []
    private(set) var events: [Event] = []
    private(set) var expectations: [Expectation] = []
    private(set) var maintenance = MaintenanceExpectation.absent

    /// Makes the batch idempotent: a second commit under the same id changes nothing and returns the first one's result.
    ///
    /// Whoever retries after ``StoreError/Kind/outcomeUnknown`` sets it. Ids are remembered as long as the change feed.
    package var id: String?

    /// Makes an empty batch.
    package init() {}

    /// Writes a record, replacing the former one.
    package mutating func put(record id: String, type: String, _ data: Data) {
        changes.append(.putRecord(type: type, id: id, data: data))
    }

    /// Removes a record; nothing happens when there is none.
    package mutating func delete(record id: String, type: String) {
        changes.append(.deleteRecord(type: type, id: id))
    }

    /// Writes a live key, replacing the former value.
    /// - Parameters:
    ///   - key: the key's path.
    ///   - data: the value.
    ///   - lease: when given, the key disappears with the lease; otherwise it stays until deleted.
    package mutating func put(live key: String, _ data: Data, lease: LeaseHandle? = nil) {
        changes.append(.putLive(key: key, data: data, lease: lease))
    }

    /// Removes a live key; nothing happens when there is none.
    package mutating func delete(live key: String) {
        changes.append(.deleteLive(key: key))
    }

    /// Removes every live key that begins with `prefix`.
    package mutating func delete(livePrefix prefix: String) {
        changes.append(.deleteLivePrefix(prefix))
    }

    /// Marks a change group as changed, so that other batches expecting the group unchanged are refused.
    package mutating func touch(group: String) {
        groups.append(group)
    }

    /// Appends an event; the events of one stream get consecutive sequences in the order they were added.
    package mutating func append(event data: Data, to stream: String) {
        events.append(Event(stream: stream, data: data))
    }

    /// Adds a condition; all must hold at the moment of the commit.
    package mutating func expect(_ expectation: Expectation) {
        if case .maintenance(let expected) = expectation {
            maintenance = expected
        } else {
            expectations.append(expectation)
        }
    }

    /// Expects every group of `token` unchanged since it was taken.
    package mutating func expect(_ token: UpdateToken) {
        for (group, seen) in token.revisions.sorted(by: { $0.key < $1.key }) {
            expect(.group(group, seen: seen, asOf: token.asOf))
        }
    }

    /// Whether the batch changes nothing; expectations do not count.
    package var isEmpty: Bool { changes.isEmpty && groups.isEmpty && events.isEmpty }
}

extension Batch {
    /// Adds everything of `other` after what is here.
    package mutating func merge(_ other: Batch) {
        changes += other.changes
        groups += other.groups
        events += other.events
        expectations += other.expectations
        if other.maintenance != .absent { maintenance = other.maintenance }
    }
}
