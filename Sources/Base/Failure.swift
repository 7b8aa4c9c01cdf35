/// The position in the source where an error was thrown or wrapped.
public struct Site: Hashable, Sendable, CustomStringConvertible {
    /// The file as `Module/File.swift`.
    public let file: String
    /// The line, counted from 1.
    public let line: Int

    /// Records a position; the default arguments of a caller fill it in.
    public init(file: String, line: Int) {
        self.file = file
        self.line = line
    }

    /// `Module/File.swift:line`.
    public var description: String { "\(file):\(line)" }
}

/// An error that was caused by another one, and may know where it arose.
///
/// The walkers of ``ErrorChain`` follow it; every error type of ours that wraps adopts it.
public protocol CausedError: Error {
    /// The error below this one, or nil at the root of the chain.
    var cause: (any Error)? { get }
    /// Where this link was made.
    var site: Site? { get }
    /// This link alone, without its cause.
    var linkMessage: String { get }
}

/// One link of an error chain: what was attempted, where, and what went wrong below.
///
/// A failure is for our own logs and never sent to a caller; ``APIError`` is for callers.
public struct Failure: CausedError, CustomStringConvertible {
    /// What was attempted or what went wrong, in lower case, naming the run, path or peer.
    public let message: String
    /// Where the link was made.
    public let site: Site?
    /// The error below.
    public let cause: (any Error)?

    /// Makes a link at the caller's own position.
    public init(_ message: String, cause: (any Error)? = nil, file: String = #fileID, line: Int = #line) {
        self.message = message
        self.cause = cause
        self.site = Site(file: file, line: line)
    }

    /// This link's message.
    public var linkMessage: String { message }

    /// The whole chain on one line, with the position of every link that knows its own.
    public var description: String { ErrorChain(self).description }
}
