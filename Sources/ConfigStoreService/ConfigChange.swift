import Base
import Model
import Store

/// A batch in the making, with the view it is decided on: every write comes with the expectation that makes it safe.
///
/// Uniqueness spans records, so a name is claimed through a change group that everybody who wants the name touches. What must
/// stay as it was read, such as the group a project is put into, is expected at the revision that was seen.
struct ConfigChange {
    let view: ConfigView
    private(set) var batch = Batch()

    init(view: ConfigView) {
        self.view = view
    }

    /// Writes a record that does not exist yet.
    mutating func insert<Value: ConfigRecord>(_ value: Value) throws {
        batch.expect(.record(type: Value.recordType, id: value.recordID, .absent))
        try batch.put(record: value.recordID, type: Value.recordType, value: value.sealed(by: view.sealing))
    }

    /// Replaces a record, provided that nobody else changed it meanwhile.
    mutating func replace<Value: ConfigRecord>(_ entry: Entry<Value>, by value: Value) throws {
        expectUnchanged(entry)
        try batch.put(record: value.recordID, type: Value.recordType, value: value.sealed(by: view.sealing))
    }

    /// Removes a record, provided that nobody else changed it meanwhile.
    mutating func delete<Value: ConfigRecord>(_ entry: Entry<Value>) {
        expectUnchanged(entry)
        batch.delete(record: entry.value.recordID, type: Value.recordType)
    }

    /// Expects a record to be as it was seen.
    mutating func expectUnchanged<Value: ConfigRecord>(_ entry: Entry<Value>) {
        batch.expect(.record(type: Value.recordType, id: entry.value.recordID, .revision(entry.revision)))
    }

    /// Expects the way from a group to its owner to be as it was seen.
    mutating func expectUnchanged(_ place: GroupPlace) {
        for entry in place.ancestry { expectUnchanged(entry) }
    }

    /// Makes all but one of those fail who claim the same name at the same time.
    mutating func claim(_ name: ClaimedName) throws {
        batch.expect(try view.tx.token(groups: [name.changeGroup]))
        batch.touch(group: name.changeGroup)
    }

    /// Tells whoever relies on the members of `set` that there is another one.
    mutating func addMember(to set: MemberSet) {
        batch.touch(group: set.changeGroup)
    }

    /// Expects that nobody adds a member to `set`, which the batch relies on knowing whole.
    mutating func expectNoNewMembers(of set: MemberSet) throws {
        batch.expect(try view.tx.token(groups: [set.changeGroup]))
    }
}
