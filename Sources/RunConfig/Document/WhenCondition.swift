/// On which branches, tags and references something happens.
///
/// The fields are looked at in the order branch, tag, reference; each can turn the answer on and then off again, so that a later
/// field overrides an earlier one in both directions. A condition without fields never matches.
package struct WhenCondition: Sendable, Hashable {
    /// A name, or an expression that a part of the name must match.
    package enum Pattern: Sendable, Hashable {
        /// Exactly this name, case included.
        case exact(String)
        /// Any name that the expression matches somewhere.
        case regex(LinearRegex)

        /// Reads the text of a pipeline file: `/…/` and `#…#` are expressions.
        package init(_ text: String) throws(RegexError) {
            let isDelimited =
                text.unicodeScalars.count > 2 && ["/", "#"].contains { text.hasPrefix($0) && text.hasSuffix($0) }
            self = isDelimited ? .regex(try LinearRegex(String(text.dropFirst().dropLast()))) : .exact(text)
        }

        func matches(_ name: String) -> Bool {
            switch self {
            // Bytes, not canonical equivalence: git compares bytes.
            case .exact(let text): text.utf8.elementsEqual(name.utf8)
            case .regex(let regex): regex.matches(name)
            }
        }
    }

    /// What one field lets in and keeps out.
    package struct Patterns: Sendable, Hashable {
        /// Any of these lets in.
        package var include: [Pattern]
        /// Any of these keeps out again.
        package var exclude: [Pattern]

        /// Makes a field's patterns.
        package init(include: [Pattern] = [], exclude: [Pattern] = []) {
            self.include = include
            self.exclude = exclude
        }

        func decide(_ name: String, before: Bool) -> Bool {
            if exclude.contains(where: { $0.matches(name) }) { return false }
            return before || include.contains { $0.matches(name) }
        }
    }

    /// Looked at for branches only.
    package var branch: Patterns?
    /// Looked at for tags only.
    package var tag: Patterns?
    /// Always looked at, against the full reference.
    package var ref: Patterns?

    /// Makes a condition.
    package init(branch: Patterns? = nil, tag: Patterns? = nil, ref: Patterns? = nil) {
        self.branch = branch
        self.tag = tag
        self.ref = ref
    }

    /// Whether the condition can match anything at all.
    package var canMatch: Bool {
        [branch, tag, ref].contains { $0?.include.isEmpty == false }
    }

    /// Whether the condition holds for a commit.
    package func matches(_ context: RunContext) -> Bool {
        var result = false
        if context.refType == .branch, !context.branch.isEmpty {
            result = branch?.decide(context.branch, before: result) ?? result
        }
        if context.refType == .tag, !context.tag.isEmpty {
            result = tag?.decide(context.tag, before: result) ?? result
        }
        return ref?.decide(context.ref, before: result) ?? result
    }
}
