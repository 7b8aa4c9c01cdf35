package import Base

/// Why an object store refused or failed.
package struct ObjectStorageError: CausedError, CustomStringConvertible {
    /// What a caller can tell apart.
    package enum Kind: String, Sendable {
        /// There is no such object.
        case notExist
        /// The name breaks the rules of ``ObjectName``.
        case invalidName
        /// The name is the parent of other objects, or has an object as its parent.
        case clash
        /// The body ended before its size was reached.
        case shortWrite
        /// The object is larger than the caller wants.
        case tooLarge
        /// The object was written again since it was opened.
        case replaced
        /// The file to adopt is missing or not a regular file.
        case badSource
        /// The storage cannot be reached, read or written, such as on a full disk.
        case unavailable
    }

    /// What kind of trouble.
    package let kind: Kind
    /// The object's name, or the prefix that was listed.
    package let name: String
    /// What happened, if the kind does not say it all.
    package let message: String
    /// The error below.
    package let cause: (any Error)?
    /// Where it was made.
    package let site: Site?

    /// Makes an error at the caller's own position.
    package init(
        _ kind: Kind,
        name: String,
        _ message: String = "",
        cause: (any Error)? = nil,
        file: String = #fileID,
        line: Int = #line
    ) {
        self.kind = kind
        self.name = name
        self.message = message
        self.cause = cause
        self.site = Site(file: file, line: line)
    }

    /// Kind, name and message.
    package var linkMessage: String {
        "object \(name) \(kind.rawValue)" + (message.isEmpty ? "" : ": \(message)")
    }

    /// The whole chain on one line.
    package var description: String { ErrorChain(self).description }

    /// Whether the chain of `error` says that an object does not exist.
    package static func isNotExist(_ error: any Error) -> Bool {
        ErrorChain(error).first(ObjectStorageError.self)?.kind == .notExist
    }
}
