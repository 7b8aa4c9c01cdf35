import Base
import Model

/// Waits until `condition` holds, for what has no event to wait for.
/// - Throws: ``Failure`` when it does not hold in time.
package func patiently(
    _ what: @autoclosure () -> String,
    within limit: Duration,
    _ condition: () async throws -> Bool
)
    async throws
{
    let end = Deadline.after(limit)
    while !end.isPast {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    throw Failure("not within \(limit): \(what())")
}

/// Repeats a call as long as a component that is being restarted may be the reason for its failure.
/// - Throws: what the call throws when the reason is another one, or after a minute.
package func persistently<Value>(_ call: () async throws -> Value) async throws -> Value {
    let end = Deadline.after(.seconds(60))
    while true {
        do {
            return try await call()
        } catch {
            let kind = ErrorChain(error).first(RemoteError.self)?.kind ?? .unavailable
            guard kind == .unavailable || kind == .internal, !end.isPast else { throw error }
            try await Task.sleep(for: .milliseconds(30))
        }
    }
}
