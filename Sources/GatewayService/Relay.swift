import Base

/// Calls a worker and turns its refusal into one of the gateway's own.
///
/// The answer gets the remote's kind; its code and message only when the route's contract names that code, as all routes' contracts
/// name `maintenance`. What is not a refusal, such as a worker that cannot be reached, is an internal error; the log has the chain.
func relay<Value>(
    _ codes: Set<String> = [],
    isolation: isolated (any Actor)? = #isolation,
    file: String = #fileID,
    line: Int = #line,
    _ call: () async throws -> Value
) async throws -> Value {
    do {
        return try await call()
    } catch {
        let chain = ErrorChain(error)
        if chain.isCancellation { throw CancellationError() }
        guard let remote = chain.first(RemoteError.self) else {
            let message = "A service of this installation could not be reached. Try again in a moment."
            throw APIError(.internal, message, cause: error, file: file, line: line)
        }
        guard codes.contains(remote.code) || remote.code == Relay.maintenance else {
            throw APIError(Relay.kind(of: remote), Relay.message(for: remote), cause: error, file: file, line: line)
        }
        throw APIError(
            remote.kind,
            code: remote.code,
            remote.message,
            details: remote.details,
            cause: error,
            file: file,
            line: line
        )
    }
}

enum Relay {
    /// What a worker in maintenance says to every request.
    static let maintenance = "maintenance"

    // A worker that does not know the gateway's token is the installation's fault and not the caller's.
    static func kind(of remote: RemoteError) -> ErrorKind {
        remote.kind == .unauthorized ? .internal : remote.kind
    }

    static func message(for remote: RemoteError) -> String {
        switch kind(of: remote) {
        case .badRequest: "The request was refused as it stands."
        case .notExist: "This does not exist."
        case .forbidden: "This is not allowed."
        case .unavailable: "The installation is not available now. Try again in a moment."
        case .unauthorized, .internal: "A service of this installation failed; its log knows why."
        }
    }
}
