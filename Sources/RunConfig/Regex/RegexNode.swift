/// The syntax tree of a regular expression.
indirect enum RegexNode {
    case empty
    case scalars(RegexClass)
    case assertion(RegexAssertion)
    case sequence([RegexNode])
    case alternatives([RegexNode])
    /// At least `minimum` times, at most `maximum` times; nil for any number.
    case repeated(RegexNode, minimum: Int, maximum: Int?)
}

/// A condition on a place between two characters.
enum RegexAssertion: Sendable {
    case textStart
    case textEnd
    case lineStart
    case lineEnd
    case wordBoundary
    case noWordBoundary

    func holds(between before: Unicode.Scalar?, and after: Unicode.Scalar?) -> Bool {
        switch self {
        case .textStart: before == nil
        case .textEnd: after == nil
        case .lineStart: before == nil || before == "\n"
        case .lineEnd: after == nil || after == "\n"
        case .wordBoundary: Self.isWord(before) != Self.isWord(after)
        case .noWordBoundary: Self.isWord(before) == Self.isWord(after)
        }
    }

    private static func isWord(_ scalar: Unicode.Scalar?) -> Bool {
        guard let scalar else { return false }
        return RegexClass.word.contains(scalar)
    }
}

/// A set of characters.
struct RegexClass: Sendable {
    enum Item: Sendable {
        case range(UInt32, UInt32)
        case category(String)
        case not(RegexClass)
    }

    var items: [Item] = []
    var isNegated = false
    var ignoresCase = false

    static let digit = RegexClass(items: [.range(0x30, 0x39)])
    static let space = RegexClass(items: [.range(0x09, 0x0A), .range(0x0C, 0x0D), .range(0x20, 0x20)])
    static let word = RegexClass(items: [
        .range(0x30, 0x39), .range(0x41, 0x5A), .range(0x5F, 0x5F), .range(0x61, 0x7A),
    ])
    static let any = RegexClass(items: [.range(0, 0x10FFFF)])
    static let anyButNewline = RegexClass(items: [.range(0, 0x09), .range(0x0B, 0x10FFFF)])

    static func one(_ scalar: Unicode.Scalar, ignoresCase: Bool) -> RegexClass {
        RegexClass(items: [.range(scalar.value, scalar.value)], ignoresCase: ignoresCase)
    }

    /// The class of the characters that are not in this one.
    var negated: RegexClass { RegexClass(items: [.not(self)]) }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        let isMember = holds(scalar) || ignoresCase && Self.otherCases(of: scalar).contains(where: holds)
        return isMember != isNegated
    }

    private func holds(_ scalar: Unicode.Scalar) -> Bool {
        items.contains { item in
            switch item {
            case .range(let first, let last): first <= scalar.value && scalar.value <= last
            case .category(let prefix): RegexCategory.name(of: scalar).hasPrefix(prefix)
            case .not(let other): !other.contains(scalar)
            }
        }
    }

    private static func otherCases(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping].compactMap { mapping in
            mapping.unicodeScalars.count == 1 ? mapping.unicodeScalars.first : nil
        }
    }
}

/// The short names of Unicode's general categories, as in `\p{Lu}`.
enum RegexCategory {
    static let names: Set<String> = [
        "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe",
        "Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Cs", "Co", "Cn",
    ]

    static func name(of scalar: Unicode.Scalar) -> String {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter: "Lu"
        case .lowercaseLetter: "Ll"
        case .titlecaseLetter: "Lt"
        case .modifierLetter: "Lm"
        case .otherLetter: "Lo"
        case .nonspacingMark: "Mn"
        case .spacingMark: "Mc"
        case .enclosingMark: "Me"
        case .decimalNumber: "Nd"
        case .letterNumber: "Nl"
        case .otherNumber: "No"
        case .connectorPunctuation: "Pc"
        case .dashPunctuation: "Pd"
        case .openPunctuation: "Ps"
        case .closePunctuation: "Pe"
        case .initialPunctuation: "Pi"
        case .finalPunctuation: "Pf"
        case .otherPunctuation: "Po"
        case .mathSymbol: "Sm"
        case .currencySymbol: "Sc"
        case .modifierSymbol: "Sk"
        case .otherSymbol: "So"
        case .spaceSeparator: "Zs"
        case .lineSeparator: "Zl"
        case .paragraphSeparator: "Zp"
        case .control: "Cc"
        case .format: "Cf"
        case .surrogate: "Cs"
        case .privateUse: "Co"
        case .unassigned: "Cn"
        @unknown default: "Cn"
        }
    }
}
