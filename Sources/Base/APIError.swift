/// What went wrong, as a caller over HTTP needs to know it.
public enum ErrorKind: String, Sendable, CaseIterable {
    /// The request is wrong; repeating it unchanged does not help.
    case badRequest = "badrequest"
    /// Nobody has signed in, or the credentials are wrong.
    case unauthorized
    /// The caller may not do this.
    case forbidden
    /// The thing does not exist.
    case notExist = "notexist"
    /// The service is in maintenance or overloaded; the caller may try later.
    case unavailable
    /// The fault is ours.
    case `internal`

    /// The HTTP status that stands for the kind.
    public var status: Int {
        switch self {
        case .badRequest: 400
        case .unauthorized: 401
        case .forbidden: 403
        case .notExist: 404
        case .unavailable: 503
        case .internal: 500
        }
    }

    /// The kind that an HTTP status from another service stands for; unknown ones are `internal`.
    public init(status: Int) {
        self = Self.allCases.first { $0.status == status } ?? .internal
    }
}

/// An error that a caller may be told: the first one in a chain decides the answer.
///
/// The code is stable and for programs; the message is one sentence that tells a person what to do. The cause is logged and
/// never sent.
public struct APIError: CausedError {
    /// The kind, which decides the HTTP status.
    public let kind: ErrorKind
    /// A stable code for programs, such as `projectDoesNotExist`; the kind itself where there is nothing more to say.
    public let code: String
    /// A sentence for the user.
    public let message: String
    /// Facts for programs, such as the offset to resume at.
    public let details: [String: String]
    /// What went wrong below.
    public let cause: (any Error)?
    /// Where the error was made.
    public let site: Site?

    /// Makes an error at the caller's own position.
    public init(
        _ kind: ErrorKind,
        code: String? = nil,
        _ message: String,
        details: [String: String] = [:],
        cause: (any Error)? = nil,
        file: String = #fileID,
        line: Int = #line
    ) {
        self.kind = kind
        self.code = code ?? kind.rawValue
        self.message = message
        self.details = details
        self.cause = cause
        self.site = Site(file: file, line: line)
    }

    /// Kind, code and message of this link.
    public var linkMessage: String {
        code == kind.rawValue ? "\(kind.rawValue): \(message)" : "\(kind.rawValue) (\(code)): \(message)"
    }
}
