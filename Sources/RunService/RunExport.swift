package import Store

/// What an export of the runservice holds: definitions, runs that have ended, counters.
package enum RunExport {
    /// The service's name in exports.
    package static let service = "runservice"
    /// The record types, in the order in which they are written: whatever another one refers to comes first.
    package static let types = [RunKeys.definition, RunKeys.run, RunKeys.counter]

    /// What an import must be like.
    package static let rules = ImportRules(
        service: service,
        types: types,
        makeCheck: { RunCheck() },
        makeAgolaConverter: { AgolaRunConverter(waiting: $0) }
    )
}
