package import Testing

/// Waits until `condition` holds, for what has no event to wait for (other processes, the file system).
/// - Returns: whether it held before the time was up; a failure is recorded otherwise.
@discardableResult
package func eventually(
    _ what: String,
    within limit: Duration = .seconds(10),
    sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws -> Bool {
    let end = ContinuousClock.now.advanced(by: limit)
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("not within \(limit): \(what)", sourceLocation: sourceLocation)
    return false
}
