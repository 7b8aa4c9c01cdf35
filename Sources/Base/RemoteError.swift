/// What another of our services answered instead of a result.
///
/// Deliberately another type than ``APIError``, so that one service's refusal is never served again by accident: whoever
/// calls the service decides what it means.
public struct RemoteError: CausedError {
    /// The kind the status stood for; statuses and kinds that we do not know are `internal`.
    public let kind: ErrorKind
    /// The stable code, or the kind when the answer named none.
    public let code: String
    /// The sentence for the user; empty when the answer had none.
    public let message: String
    /// Facts for programs.
    public let details: [String: String]
    /// When it is worth asking again, where the answer said so.
    public let retryAfter: Duration?

    /// Makes the error from the parts of an answer.
    public init(
        kind: ErrorKind,
        code: String? = nil,
        message: String = "",
        details: [String: String] = [:],
        retryAfter: Duration? = nil
    ) {
        self.kind = kind
        self.code = code ?? kind.rawValue
        self.message = message
        self.details = details
        self.retryAfter = retryAfter
    }

    /// A remote error wraps nothing.
    public var cause: (any Error)? { nil }

    /// A remote error arose elsewhere; the failure around it says where it was received.
    public var site: Site? { nil }

    /// `remote error` with kind, code and message.
    public var linkMessage: String {
        var text = "remote error \(kind.rawValue)"
        if code != kind.rawValue { text += " (code: \(code))" }
        if !message.isEmpty { text += " (message: \(message))" }
        return text
    }
}
