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
    /// The records that follow from this one; none when it is left out.
    mutating func convert(_ record: ImportedRecord) throws -> [ImportedRecord]
}

/// What a service accepts as its export.
package struct ImportRules: Sendable {
    /// The service.
    package let service: String
    /// The record types it knows.
    package let types: [String]
    /// Leaves records of unknown types out instead of refusing the stream.
    package var skipsUnknown = false
    /// Throws an ``APIError`` for a record that the service could not read.
    package let check: @Sendable (ImportedRecord) throws -> Void
    /// Reads exports of Agola v0.7.
    package let makeAgolaConverter: @Sendable () -> any RecordConverter

    /// Makes the rules of a service.
    package init(
        service: String,
        types: [String],
        check: @escaping @Sendable (ImportedRecord) throws -> Void,
        makeAgolaConverter: @escaping @Sendable () -> any RecordConverter
    ) {
        self.service = service
        self.types = types
        self.check = check
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
