/// A regular expression in RE2's syntax whose cost grows with the text only linearly, whatever the expression.
///
/// Pipeline files come from anybody who can push, so an expression must not be able to stall a service. It is simulated as a
/// set of states (Thompson 1968; see https://swtch.com/~rsc/regexp/regexp1.html): at most one visit per state and character.
/// It answers only whether it matches somewhere, which is all that conditions ask. Unicode classes are general categories;
/// scripts (`\p{Greek}`) are refused.
package struct LinearRegex: Sendable, Hashable {
    /// The expression as written.
    package let source: String
    private let program: RegexProgram

    /// Compiles an expression, which may have any length but at most 5,000 states.
    package init(_ source: String) throws(RegexError) {
        self.source = source
        var parser = RegexParser(source)
        program = try RegexProgram(try parser.parse())
    }

    /// How many states a match may visit per character: what a match costs.
    package var cost: Int { program.instructions.count }

    /// Whether the expression matches any part of `text`.
    package func matches(_ text: String) -> Bool {
        var simulation = RegexSimulation(program: program, text: Array(text.unicodeScalars))
        return simulation.run()
    }

    /// Compares sources: equal expressions match equally.
    package static func == (left: Self, right: Self) -> Bool { left.source == right.source }

    /// Hashes the source.
    package func hash(into hasher: inout Hasher) { hasher.combine(source) }
}

/// Why a text is not a regular expression; a fragment of a sentence.
package struct RegexError: Error, CustomStringConvertible {
    /// What is wrong.
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
