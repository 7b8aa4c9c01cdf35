/// One thing that is wrong with a document, said so that its author can mend it.
package struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
    /// Whether the document can still be used.
    package enum Severity: String, Sendable, Hashable {
        /// The document cannot be used.
        case error
        /// The document is used, but its author should look.
        case warning
    }

    /// Whether the document can still be used.
    package let severity: Severity
    /// Where the author has to look.
    package let position: SourcePosition
    /// The place in the tree, such as `runs[0].tasks[1].steps[0]`; empty for the whole document.
    package let path: String
    /// What was expected and what was found.
    package let message: String

    /// Makes a diagnostic.
    package init(_ severity: Severity, at position: SourcePosition, path: String = "", _ message: String) {
        self.severity = severity
        self.position = position
        self.path = path
        self.message = message
    }

    /// `file:line:column: message`, with the word `warning` where it is one.
    package var description: String {
        severity == .warning ? "\(position): warning: \(message)" : "\(position): \(message)"
    }
}
