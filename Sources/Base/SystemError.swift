import Glibc

/// A refused system call.
public struct SystemError: CausedError, Equatable {
    /// What was attempted, naming the path or peer.
    public let operation: String
    /// The system's error number.
    public let code: Int32
    /// Where the call was made.
    public let site: Site?

    /// Makes the error from an error number, by default the calling thread's `errno`.
    public init(_ operation: String, code: Int32? = nil, file: String = #fileID, line: Int = #line) {
        self.code = code ?? errno
        self.operation = operation
        self.site = Site(file: file, line: line)
    }

    /// A system call is the root of its chain.
    public var cause: (any Error)? { nil }

    /// The operation and the system's own words.
    public var linkMessage: String {
        "\(operation): \(String(cString: strerror(code)))"
    }

    /// Compares operation and error number.
    public static func == (left: Self, right: Self) -> Bool {
        left.operation == right.operation && left.code == right.code
    }
}
