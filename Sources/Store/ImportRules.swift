package import FoundationEssentials

/// A record on its way into a store.
package struct ImportedRecord: Sendable, Equatable {
    /// The record's type.
    package let type: String
    /// Its id.
    package let id: String
    /// Its value.
    package let data: Data

    /// Makes a record.
    package init(type: String, id: String, data: Data) {
        self.type = type
        self.id = id
        self.data = data
    }
}

/// Turns the records of another program's export into ours, one at a time and in the order they come.
///
/// It throws an ``APIError`` whose sentence tells what is wrong with the record; the position is added.
package protocol RecordConverter: Sendable {
    /// The types that it reads.
    var types: Set<String> { get }
    /// What the user is to be told at the end: what was left out, and how often.
    var warnings: [String] { get }
    /// The records that follow from this one; none when it is left out, or when others have to come first.
    mutating func convert(_ record: ImportedRecord) throws -> [ImportedRecord]
    /// The records that are left when everything has come.
    mutating func finish() throws -> [ImportedRecord]
}

/// Looks at the records that will be there after an import: each by itself, several at once, and then in the order they come.
///
/// It throws an ``APIError`` whose sentence, without its full stop, tells what is wrong; the position is added.
package protocol RecordCheck: Sendable {
    /// What a record says; `Void` when nothing is read ahead.
    associatedtype Content: Sendable
    /// Refuses a record that the service could not read; knows no other record.
    static func read(_ record: ImportedRecord) throws -> Content
    /// Refuses a record that does not fit those before it.
    mutating func check(_ record: ImportedRecord, _ content: Content) throws
    /// Refuses what only all of the records show.
    /// - Returns: what the user should know.
    mutating func finish() throws -> [String]
}

extension RecordCheck where Content == Void {
    /// Reads nothing ahead.
    package static func read(_ record: ImportedRecord) {}
}

/// What a service accepts as its export.
package struct ImportRules: Sendable {
    /// The service.
    package let service: String
    /// The record types it knows, in the order in which they come.
    package let types: [String]
    /// Leaves records of unknown types out instead of refusing the stream.
    package var skipsUnknown = false
    /// Begins to check a stream.
    package let makeCheck: @Sendable () -> any RecordCheck
    /// Begins to read an export of Agola v0.7; nil when Agola has no such service.
    ///
    /// Records may wait in the queue, which is empty.
    package let makeAgolaConverter: (@Sendable (RecordQueue) -> any RecordConverter)?

    /// Makes the rules of a service.
    package init(
        service: String,
        types: [String],
        makeCheck: @escaping @Sendable () -> any RecordCheck,
        makeAgolaConverter: (@Sendable (RecordQueue) -> any RecordConverter)? = nil
    ) {
        self.service = service
        self.types = types
        self.makeCheck = makeCheck
        self.makeAgolaConverter = makeAgolaConverter
    }
}

/// What an import holds.
package struct ImportSummary: Codable, Sendable, Equatable {
    /// The header of the stream; nil for an export of Agola.
    package let header: ExportHeader?
    /// The records of each type that will be there.
    package let records: [String: Int]
    /// What the user should know.
    package let warnings: [String]
}
