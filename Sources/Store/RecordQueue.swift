/// Records that wait on the disk for what comes later, first in and first out; memory stays constant.
///
/// Every call may block.
package struct RecordQueue: Sendable {
    private var staged: StagedRecords
    private var offset: Int64 = 0
    private var page: ArraySlice<ImportedRecord> = []

    init(spool: SpoolFile) {
        staged = StagedRecords(spool: spool)
    }

    /// Appends a record.
    /// - Throws: ``SystemError``, such as for a full disk.
    package mutating func append(_ record: ImportedRecord) throws {
        try staged.append(record)
    }

    /// The record that has waited longest.
    /// - Throws: ``SystemError``.
    package mutating func first() throws -> ImportedRecord? {
        if let first = page.first { return first }
        try staged.flush()
        guard let part = try staged.records(at: offset) else { return nil }
        offset = part.next
        page = part.records[...]
        return page.first
    }

    /// Removes the record that ``first()`` returned.
    package mutating func removeFirst() {
        page.removeFirst()
    }
}
