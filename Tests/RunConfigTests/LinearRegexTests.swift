import Base
import RunConfig
import TestSupport
import Testing

@Suite("Regular expressions are RE2's and cost linear time", .timeLimit(.minutes(5)))
struct LinearRegexTests {
    @Test(
        "an expression matches some texts and not others",
        arguments: [
            ("abc", ["xabcx"], ["ab"]), ("^a.c$", ["abc"], ["a\nc", "xabc"]), ("a|b|", [""], []),
            ("(ab)+c", ["ababc"], ["ac"]),
            ("^a{2,3}$", ["aa", "aaa"], ["a", "aaaa"]), ("^a{2}$", ["aa"], ["aaa"]), ("^a{2,}$", ["aaaa"], ["a"]),
            ("^a{,2}$", ["a{,2}"], ["aa"]),
            ("^[a-c]+$", ["abc"], ["abd", ""]), ("^[^a-c]$", ["d", "ü"], ["a"]), ("^[]a]$", ["]", "a"], ["b"]),
            ("^[a-]$", ["-"], ["b"]),
            ("^[\\d_-]+$", ["1_-2"], ["a"]), ("^\\w+\\s\\S\\D$", ["ab cd"], ["ab c1"]),
            ("^[[:upper:]][[:^digit:]]$", ["AB"], ["A1", "ab"]),
            ("\\bv1\\b", ["x v1 y"], ["v12"]), ("\\Bb", ["ab"], ["b"]), ("(?i)MAIN", ["main", "MaIn"], ["mian"]),
            ("(?i:a)b", ["Ab"], ["AB"]),
            ("(?m)^b$", ["a\nb"], ["ab"]), ("(?s)a.b", ["a\nb"], []), ("\\Aa\\z", ["a"], ["ba"]),
            ("a\\.b", ["a.b"], ["axb"]),
            ("\\x41\\x{1F426}\\101", ["A🐦A"], []), ("\\Qa.b\\E+", ["a.bb"], ["axb"]),
            ("^\\pL\\p{Nd}\\PL$", ["é5-"], ["55-"]),
            ("(?P<year>\\d{4})", ["in 2026"], ["202"]), ("a*?b+?", ["b"], ["a"]),
            ("^(a|ab)(c|bcd)$", ["abcd"], ["abd"]), ("^$", [""], ["a"]),
            ("x{a}", ["x{a}"], []), ("(?i)[a-c]Ü", ["Bü"], []), ("", ["", "x"], []),
        ]
    )
    func matching(source: String, matching: [String], other: [String]) throws {
        let regex = try LinearRegex(source)
        for text in matching { #expect(regex.matches(text), "\(source) on \(text)") }
        for text in other { #expect(!regex.matches(text), "\(source) on \(text)") }
    }

    @Test(
        "a bad expression is refused",
        arguments: [
            "(", ")", "a)", "[", "[a", "[z-a]", "*", "a**", "a{2}{3}", "\\", "\\1", "\\y", "(?=a)", "(?<!a)", "(?P<>a)",
            "\\x{110000}", "\\p{X}",
            "a{1001}", "(a{1000}){1000}", "(((){1000}){1000}){1000}", "[[:no:]]", "(?i", "\\xZ",
            String(repeating: "(", count: 5000),
        ]
    )
    func refused(source: String) {
        #expect(throws: RegexError.self) { try LinearRegex(source) }
    }

    @Test(
        "expressions that stall a backtracking matcher cost no more than others",
        arguments: ["(a+)+$", "(a|aa)+$", "(a*)*b", "(.*)*x", "(a?){200}a{200}$"]
    )
    func linear(source: String) throws {
        #expect(try !LinearRegex(source).matches(String(repeating: "a", count: 150) + "!"))
    }

    @Test("random expressions agree with a slow matcher that is plainly right")
    func property() throws {
        let seed = SeededGenerator.seed
        var random = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let (source, tree) = Reference.random(&random, depth: 3)
            let text = String(
                (0..<Int.random(in: 0...5, using: &random)).map { _ in "ab".randomElement(using: &random) ?? "a" }
            )
            #expect(
                try LinearRegex(source).matches(text) == tree.matchesSomewhere(Array(text)),
                "seed \(seed): \(source) on \(text)"
            )
        }
    }
}

/// Regular expressions by their definition: the set of ends that a match from a start may have.
private indirect enum Reference {
    case letter(Character)
    case any
    case both(Reference, Reference)
    case either(Reference, Reference)
    case star(Reference)

    static func random(_ random: inout SeededGenerator, depth: Int) -> (String, Reference) {
        let kind = depth == 0 ? Int.random(in: 0...2, using: &random) : Int.random(in: 0...5, using: &random)
        if kind == 0 { return ("a", .letter("a")) }
        if kind == 1 { return ("b", .letter("b")) }
        if kind == 2 { return (".", .any) }
        let left = self.random(&random, depth: depth - 1)
        if kind == 3 { return ("(\(left.0))*", .star(left.1)) }
        let right = self.random(&random, depth: depth - 1)
        return kind == 4
            ? ("(\(left.0))(\(right.0))", .both(left.1, right.1))
            : ("(?:\(left.0)|\(right.0))", .either(left.1, right.1))
    }

    func ends(_ text: [Character], from start: Int) -> Set<Int> {
        switch self {
        case .letter(let letter): return start < text.count && text[start] == letter ? [start + 1] : []
        case .any: return start < text.count ? [start + 1] : []
        case .both(let left, let right):
            return Set(left.ends(text, from: start).flatMap { right.ends(text, from: $0) })
        case .either(let left, let right): return left.ends(text, from: start).union(right.ends(text, from: start))
        case .star(let inner):
            var all: Set<Int> = [start]
            var fresh = all
            while !fresh.isEmpty {
                fresh = Set(fresh.flatMap { inner.ends(text, from: $0) }).subtracting(all)
                all.formUnion(fresh)
            }
            return all
        }
    }

    func matchesSomewhere(_ text: [Character]) -> Bool {
        // An expression of letters and stars alone always has a place to begin; the empty match counts too.
        (0...text.count).contains { !ends(text, from: $0).isEmpty }
    }
}
