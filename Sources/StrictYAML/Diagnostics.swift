/// Collects all that is wrong with one document, and holds the rules by which it is read.
///
/// One per document and reading; not shared between tasks. Beyond ``limit`` diagnostics of a severity the rest is only counted.
package final class Diagnostics {
    /// How strictly keys are read.
    package struct Rules: Sendable {
        /// What an unknown key is.
        package var unknownKeys: Diagnostic.Severity
        /// Whether a key that differs by case alone is taken, with a warning, where the exact one is absent.
        package var ignoresKeyCase: Bool

        /// Makes rules; by default every unknown key is an error.
        package init(unknownKeys: Diagnostic.Severity = .error, ignoresKeyCase: Bool = false) {
            self.unknownKeys = unknownKeys
            self.ignoresKeyCase = ignoresKeyCase
        }
    }

    /// How many diagnostics of each severity are kept.
    package static let limit = 100

    /// How strictly keys are read.
    package let rules: Rules
    private var kept: [Diagnostic] = []
    private var counts: [Diagnostic.Severity: Int] = [:]

    /// Starts empty.
    package init(rules: Rules = Rules()) {
        self.rules = rules
    }

    /// Everything found, in the order of the document.
    package var all: [Diagnostic] {
        let sorted = kept.enumerated().sorted { left, right in
            Self.rank(left.element, left.offset) < Self.rank(right.element, right.offset)
        }
        let left = counts.values.reduce(0) { $0 + max(0, $1 - Self.limit) }
        guard left > 0, let last = sorted.last?.element else { return sorted.map(\.element) }
        let severity: Diagnostic.Severity = hasErrors ? .error : .warning
        return sorted.map(\.element) + [Diagnostic(severity, at: last.position, "\(left) more problems are not shown")]
    }

    /// Whether anything makes the document unusable.
    package var hasErrors: Bool { counts[.error] != nil }

    /// Adds one; an identical one, as it arises where an alias repeats a node, is added once only.
    package func add(_ diagnostic: Diagnostic) {
        if !isFull(diagnostic.severity) {
            let isKnown = kept.contains { $0.position == diagnostic.position && $0.message == diagnostic.message }
            guard !isKnown else { return }
            kept.append(diagnostic)
        }
        counts[diagnostic.severity, default: 0] += 1
    }

    /// Whether further diagnostics of a severity are only counted, so that making them costs no care.
    func isFull(_ severity: Diagnostic.Severity) -> Bool {
        counts[severity, default: 0] >= Self.limit
    }

    /// Adds an error.
    package func error(_ message: String, at position: SourcePosition, path: String = "") {
        add(Diagnostic(.error, at: position, path: path, message))
    }

    /// Adds a warning.
    package func warning(_ message: String, at position: SourcePosition, path: String = "") {
        add(Diagnostic(.warning, at: position, path: path, message))
    }

    /// Throws everything found when the document cannot be used.
    package func throwIfErrors(file: String = #fileID, line: Int = #line) throws(DocumentErrors) {
        if hasErrors { throw DocumentErrors(all, file: file, line: line) }
    }

    private static func rank(_ diagnostic: Diagnostic, _ offset: Int) -> (Int, Int, Int) {
        (diagnostic.position.line, diagnostic.position.column, offset)
    }
}
