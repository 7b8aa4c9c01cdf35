import Store

/// Reads the users of an export of Agola v0.7.
struct AgolaConfigConverter: RecordConverter {
    let types: Set<String> = [
        "user", "org", "orgmember", "projectgroup", "project", "remotesource", "secret", "variable",
    ]
    private(set) var warnings: [String] = []

    mutating func convert(_ record: ImportedRecord) throws -> [ImportedRecord] {
        []
    }
}
