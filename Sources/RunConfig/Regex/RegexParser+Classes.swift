extension RegexParser {
    private static let posix: [String: [RegexClass.Item]] = [
        "alnum": [.range(0x30, 0x39), .range(0x41, 0x5A), .range(0x61, 0x7A)],
        "alpha": [.range(0x41, 0x5A), .range(0x61, 0x7A)],
        "ascii": [.range(0, 0x7F)],
        "blank": [.range(0x09, 0x09), .range(0x20, 0x20)],
        "cntrl": [.range(0, 0x1F), .range(0x7F, 0x7F)],
        "digit": [.range(0x30, 0x39)],
        "graph": [.range(0x21, 0x7E)],
        "lower": [.range(0x61, 0x7A)],
        "print": [.range(0x20, 0x7E)],
        "punct": [.range(0x21, 0x2F), .range(0x3A, 0x40), .range(0x5B, 0x60), .range(0x7B, 0x7E)],
        "space": [.range(0x09, 0x0D), .range(0x20, 0x20)],
        "upper": [.range(0x41, 0x5A)],
        "word": RegexClass.word.items,
        "xdigit": [.range(0x30, 0x39), .range(0x41, 0x46), .range(0x61, 0x66)],
    ]

    /// What follows a backslash outside of brackets.
    mutating func escape() throws(RegexError) -> RegexNode {
        switch scalars.first {
        case "A": return assertion(.textStart)
        case "z": return assertion(.textEnd)
        case "b": return assertion(.wordBoundary)
        case "B": return assertion(.noWordBoundary)
        default: break
        }
        if var named = try namedClass() {
            named.ignoresCase = flags.ignoresCase
            return .scalars(named)
        }
        return .scalars(.one(try escapedScalar(), ignoresCase: flags.ignoresCase))
    }

    private mutating func assertion(_ assertion: RegexAssertion) -> RegexNode {
        scalars.removeFirst()
        return .assertion(assertion)
    }

    /// The class between brackets, of which the first is taken already.
    mutating func bracketed() throws(RegexError) -> RegexClass {
        var result = RegexClass(isNegated: take("^"), ignoresCase: flags.ignoresCase)
        var isFirst = true
        while let next = scalars.first, next != "]" || isFirst {
            isFirst = false
            if takePrefix("[:") {
                result.items += try posixClass()
            } else if let named = try bracketedNamedClass() {
                result.items.append(.not(named.negated))
            } else {
                result.items.append(try bracketedRange())
            }
        }
        guard take("]") else { throw RegexError("missing ]") }
        return result
    }

    private mutating func bracketedNamedClass() throws(RegexError) -> RegexClass? {
        let before = scalars
        guard take("\\") else { return nil }
        if let named = try namedClass() { return named }
        scalars = before
        return nil
    }

    private mutating func bracketedRange() throws(RegexError) -> RegexClass.Item {
        let first = try bracketedScalar()
        let before = scalars
        guard take("-"), let next = scalars.first, next != "]" else {
            scalars = before
            return .range(first.value, first.value)
        }
        let last = try bracketedScalar()
        guard first <= last else { throw RegexError("a range that ends before it begins") }
        return .range(first.value, last.value)
    }

    private mutating func bracketedScalar() throws(RegexError) -> Unicode.Scalar {
        guard let next = scalars.popFirst() else { throw RegexError("missing ]") }
        return next == "\\" ? try escapedScalar() : next
    }

    private mutating func posixClass() throws(RegexError) -> [RegexClass.Item] {
        let isNegated = take("^")
        let letters = scalars.prefix { $0 != ":" && $0 != "]" }
        scalars.removeFirst(letters.count)
        let name = String(String.UnicodeScalarView(letters))
        guard takePrefix(":]"), let items = Self.posix[name] else { throw RegexError("unknown class [:\(name):]") }
        return isNegated ? [.not(RegexClass(items: items))] : items
    }

    /// `\d`, `\pL` and the like; takes nothing when something else follows.
    private mutating func namedClass() throws(RegexError) -> RegexClass? {
        switch scalars.first {
        case "d": return named(.digit)
        case "D": return named(RegexClass.digit.negated)
        case "s": return named(.space)
        case "S": return named(RegexClass.space.negated)
        case "w": return named(.word)
        case "W": return named(RegexClass.word.negated)
        case "p": return try category(isNegated: false)
        case "P": return try category(isNegated: true)
        default: return nil
        }
    }

    private mutating func named(_ named: RegexClass) -> RegexClass {
        scalars.removeFirst()
        return named
    }

    private mutating func category(isNegated: Bool) throws(RegexError) -> RegexClass {
        scalars.removeFirst()
        guard let next = scalars.popFirst() else { throw RegexError("missing name of a class") }
        var name = String(next)
        var isNegated = isNegated
        if next == "{" {
            if take("^") { isNegated.toggle() }
            let letters = scalars.prefix { $0 != "}" }
            scalars.removeFirst(letters.count)
            guard take("}") else { throw RegexError("missing }") }
            name = String(String.UnicodeScalarView(letters))
        }
        guard RegexCategory.names.contains(name) else { throw RegexError("unknown class \\p{\(name)}") }
        let result = RegexClass(items: [.category(name)])
        return isNegated ? result.negated : result
    }

    private mutating func escapedScalar() throws(RegexError) -> Unicode.Scalar {
        guard let next = scalars.popFirst() else { throw RegexError("a backslash at the end") }
        switch next {
        case "a": return "\u{07}"
        case "f": return "\u{0C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{0B}"
        case "x": return try hexadecimal()
        case "0": return try octal(next)
        case "1"..."7":
            // RE2 takes \1 for a back-reference, which it refuses, and \12 for a code.
            guard let second = scalars.first, ("0"..."7").contains(second) else {
                throw RegexError("back-references are not supported")
            }
            return try octal(next)
        default:
            guard next.isASCII, next.properties.generalCategory != .control,
                !RegexClass.word.contains(next) || next == "_"
            else { throw RegexError("unknown escape \\\(next)") }
            return next
        }
    }

    private mutating func octal(_ first: Unicode.Scalar) throws(RegexError) -> Unicode.Scalar {
        let rest = scalars.prefix(2).prefix { ("0"..."7").contains($0) }
        scalars.removeFirst(rest.count)
        return try scalar(String(first) + String(String.UnicodeScalarView(rest)), radix: 8)
    }

    private mutating func hexadecimal() throws(RegexError) -> Unicode.Scalar {
        let isBraced = take("{")
        let digits = scalars.prefix(isBraced ? 8 : 2).prefix { $0.properties.isASCIIHexDigit }
        scalars.removeFirst(digits.count)
        guard isBraced ? take("}") : digits.count == 2 else { throw RegexError("bad escape \\x") }
        return try scalar(String(String.UnicodeScalarView(digits)), radix: 16)
    }

    private func scalar(_ digits: String, radix: Int) throws(RegexError) -> Unicode.Scalar {
        guard let value = UInt32(digits, radix: radix), let scalar = Unicode.Scalar(value) else {
            throw RegexError("\\x{\(digits)} is no character")
        }
        return scalar
    }
}
