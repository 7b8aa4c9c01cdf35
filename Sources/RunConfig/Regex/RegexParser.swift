/// Parses RE2's syntax (https://github.com/google/re2/wiki/Syntax) as far as Go's `regexp` takes it.
struct RegexParser {
    struct Flags {
        var ignoresCase = false
        var multiLine = false
        var dotMatchesNewline = false
    }

    /// Groups nest no deeper, so that the parser's own recursion is bounded.
    private static let maximumDepth = 100
    /// RE2's own bound of a counted repetition.
    private static let maximumCount = 1000

    var scalars: ArraySlice<Unicode.Scalar>
    var flags = Flags()
    private var depth = 0

    init(_ source: String) {
        scalars = Array(source.unicodeScalars)[...]
    }

    mutating func parse() throws(RegexError) -> RegexNode {
        let node = try alternatives()
        guard scalars.isEmpty else { throw RegexError("unexpected )") }
        return node
    }

    private mutating func alternatives() throws(RegexError) -> RegexNode {
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .alternatives(branches)
    }

    private mutating func sequence() throws(RegexError) -> RegexNode {
        var nodes: [RegexNode] = []
        while let next = scalars.first, next != "|", next != ")" {
            if takePrefix("\\Q") {
                nodes += quoted()
                // A repetition behind a quotation is of its last character.
                if let last = nodes.popLast() { nodes.append(try repetition(of: last)) }
            } else {
                let atom = try atom(next)
                nodes.append(try repetition(of: atom))
            }
        }
        return nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    private mutating func atom(_ next: Unicode.Scalar) throws(RegexError) -> RegexNode {
        scalars.removeFirst()
        switch next {
        case "(": return try group()
        case "[": return .scalars(try bracketed())
        case ".": return .scalars(flags.dotMatchesNewline ? .any : .anyButNewline)
        case "^": return .assertion(flags.multiLine ? .lineStart : .textStart)
        case "$": return .assertion(flags.multiLine ? .lineEnd : .textEnd)
        case "\\": return try escape()
        case "*", "+", "?": throw RegexError("nothing to repeat before \(next)")
        default: return .scalars(.one(next, ignoresCase: flags.ignoresCase))
        }
    }

    private mutating func quoted() -> [RegexNode] {
        var nodes: [RegexNode] = []
        while let next = scalars.first, !takePrefix("\\E") {
            scalars.removeFirst()
            nodes.append(.scalars(.one(next, ignoresCase: flags.ignoresCase)))
        }
        return nodes
    }

    private mutating func group() throws(RegexError) -> RegexNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw RegexError("groups are nested too deeply") }
        let outer = flags
        if take("?") {
            if takePrefix("P<") || takePrefix("<") {
                try groupName()
            } else if try !groupFlags() {
                // `(?i)` holds for the rest of the enclosing group.
                return .empty
            }
        }
        let node = try alternatives()
        guard take(")") else { throw RegexError("missing )") }
        flags = outer
        return node
    }

    private mutating func groupName() throws(RegexError) {
        let name = scalars.prefix { $0 != ">" }
        scalars.removeFirst(name.count)
        let isName = !name.isEmpty && name.allSatisfy { RegexClass.word.contains($0) }
        guard isName, take(">") else { throw RegexError("bad name of a group") }
    }

    /// Reads flags up to `:` or `)`.
    /// - Returns: whether a group follows.
    private mutating func groupFlags() throws(RegexError) -> Bool {
        var isOn = true
        while let next = scalars.popFirst() {
            switch next {
            case "i": flags.ignoresCase = isOn
            case "m": flags.multiLine = isOn
            case "s": flags.dotMatchesNewline = isOn
            case "U": break  // which of several matches is found does not matter here
            case "-" where isOn: isOn = false
            case ":": return true
            case ")": return false
            default: throw RegexError("unknown flag or look-around (?\(next)")
            }
        }
        throw RegexError("missing )")
    }
}

extension RegexParser {
    private mutating func repetition(of atom: RegexNode) throws(RegexError) -> RegexNode {
        guard let (minimum, maximum) = try repetitionCounts() else { return atom }
        // A following ? asks for the shortest match, which does not matter here.
        _ = take("?")
        if let next = scalars.first {
            let before = scalars
            let isMark = ["*", "+", "?"].contains(next)
            let counts = isMark ? nil : try repetitionCounts()
            guard !isMark, counts == nil else { throw RegexError("a repetition of a repetition") }
            scalars = before
        }
        return .repeated(atom, minimum: minimum, maximum: maximum)
    }

    private mutating func repetitionCounts() throws(RegexError) -> (minimum: Int, maximum: Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        let before = scalars
        guard take("{"), let minimum = number() else {
            scalars = before
            return nil
        }
        var maximum: Int? = minimum
        if take(",") { maximum = number() }
        guard take("}") else {
            // RE2 takes what is no repetition literally.
            scalars = before
            return nil
        }
        guard minimum <= Self.maximumCount, maximum ?? 0 <= Self.maximumCount, minimum <= maximum ?? .max else {
            throw RegexError("bad repetition count")
        }
        return (minimum, maximum)
    }

    private mutating func number() -> Int? {
        let digits = scalars.prefix { ("0"..."9").contains($0) }
        guard !digits.isEmpty else { return nil }
        scalars.removeFirst(digits.count)
        // Longer numbers are beyond every bound; any big value says so.
        return digits.count > 6 ? Int.max : Int(String(String.UnicodeScalarView(digits)))
    }

    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard scalars.first == scalar else { return false }
        scalars.removeFirst()
        return true
    }

    mutating func takePrefix(_ prefix: String) -> Bool {
        guard scalars.starts(with: prefix.unicodeScalars) else { return false }
        scalars.removeFirst(prefix.unicodeScalars.count)
        return true
    }
}
