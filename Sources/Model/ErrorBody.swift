public import Base

/// One element of the JSON array that every failed request of ours answers with.
public struct ErrorBodyElement: Codable, Sendable, Equatable {
    /// A stable code for programs.
    public var code: String
    /// A sentence for the user.
    public var message: String
    /// Facts for programs.
    public var details: [String: String]?

    /// Makes an element.
    public init(code: String, message: String, details: [String: String]? = nil) {
        self.code = code
        self.message = message
        self.details = details
    }
}

/// Converts errors to and from the body and status of an HTTP answer: the one table of both directions is ``ErrorKind``.
public enum ErrorBody {
    /// The status and body for an error: the first ``APIError`` of the chain decides, anything else is a generic 500.
    public static func answer(to error: any Error) -> (status: Int, body: [ErrorBodyElement]) {
        guard let decided = ErrorChain(error).first(APIError.self) else {
            let message = "The server could not do this; its log knows why."
            return (ErrorKind.internal.status, [ErrorBodyElement(code: ErrorKind.internal.rawValue, message: message)])
        }
        let details = decided.details.isEmpty ? nil : decided.details
        return (
            decided.kind.status,
            [ErrorBodyElement(code: decided.code, message: decided.message, details: details)]
        )
    }

    /// The error that an answer of another service stands for; a body that is not ours leaves code and message empty.
    public static func remoteError(status: Int, body: [UInt8], retryAfter: Duration? = nil) -> RemoteError {
        let kind = ErrorKind(status: status)
        // A proxy or a crash may answer anything; the status alone then says what there is to say.
        guard let elements = try? JSONCoding.decode([ErrorBodyElement].self, from: body), let first = elements.first
        else {
            return RemoteError(kind: kind, retryAfter: retryAfter)
        }
        return RemoteError(
            kind: kind,
            code: first.code,
            message: first.message,
            details: first.details ?? [:],
            retryAfter: retryAfter
        )
    }
}
