import Base
package import Store

/// Stands for Agola's exports in services that cannot read them.
package struct UnsupportedAgolaExport: RecordConverter {
    /// None.
    package let types: Set<String> = []
    /// None.
    package let warnings: [String] = []

    /// Makes the stand-in.
    package init() {}

    /// Refuses.
    package mutating func convert(_ record: ImportedRecord) throws -> [ImportedRecord] {
        throw APIError(.badRequest, "Exports of Agola cannot be imported into this service.")
    }
}
