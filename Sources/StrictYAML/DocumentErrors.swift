package import Base

/// A document cannot be used; holds everything that is wrong with it.
package struct DocumentErrors: CausedError, CustomStringConvertible {
    /// All problems in the order of the document, warnings included.
    package let diagnostics: [Diagnostic]
    /// Where the document was given up.
    package let site: Site?
    /// Nothing lies below: the document itself is the cause.
    package var cause: (any Error)? { nil }

    /// Makes an error at the caller's own position.
    package init(_ diagnostics: [Diagnostic], file: String = #fileID, line: Int = #line) {
        self.diagnostics = diagnostics
        self.site = Site(file: file, line: line)
    }

    /// One problem a line.
    package var linkMessage: String {
        diagnostics.map(\.description).joined(separator: "\n")
    }

    /// One problem a line.
    package var description: String { linkMessage }
}
