import Store

/// Reads the runs of an export of Agola v0.7.
struct AgolaRunConverter: RecordConverter {
    let types: Set<String> = ["run", "runconfig", "runcounter"]
    private(set) var warnings: [String] = []

    mutating func convert(_ record: ImportedRecord) throws -> [ImportedRecord] {
        []
    }
}
