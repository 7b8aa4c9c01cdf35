import Base
import StrictYAML
import Testing

/// Parses a text that must be refused or be noticed, and answers what a person would read.
func problems(_ text: String, limits: YAMLDocument.Limits = .init()) -> [String] {
    let diagnostics = Diagnostics()
    _ = YAMLDocument.parse(text, file: "c.yml", limits: limits, into: diagnostics)
    return diagnostics.all.map(\.description)
}

/// Parses a text that must be right.
func parsed(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> YAMLNode {
    let diagnostics = Diagnostics()
    let node = YAMLDocument.parse(text, file: "c.yml", into: diagnostics)
    try #require(diagnostics.all == [], sourceLocation: sourceLocation)
    return try #require(node, sourceLocation: sourceLocation)
}

/// A tree as text, to compare by eye.
func outline(_ node: YAMLNode) -> String {
    switch node.content {
    case .mapping(let entries):
        "{" + entries.map { "\($0.key): \(outline($0.value))" }.joined(separator: ", ") + "}"
    case .sequence(let nodes): "[" + nodes.map(outline).joined(separator: ", ") + "]"
    case .scalar(let scalar):
        switch scalar.value {
        case .string: "\"\(scalar.text)\""
        case .int(let value): "\(value)"
        case .double(let value): "\(value)"
        case .bool(let value): "\(value)"
        case .null: "null"
        }
    }
}

@Suite("A document becomes a tree", .timeLimit(.minutes(5)))
struct YAMLDocumentTests {
    @Test("mappings, lists and scalars keep their order and positions")
    func positions() throws {
        let root = try parsed("a: 1\nb:\n  - x\n  - {c: \"y\"}\n")
        #expect(outline(root) == #"{a: 1, b: ["x", {c: "y"}]}"#)
        let list = try #require(root["b"])
        #expect(list.position == SourcePosition(file: "c.yml", line: 3, column: 3))
        guard case .sequence(let elements) = list.content else { throw Failure("not a list") }
        #expect(elements[1]["c"]?.position.description == "c.yml:4:9")
    }

    @Test("JSON is YAML, tabs, escapes and slashes included")
    func json() throws {
        let root = try parsed("{\n\t\"a\": [1, 2.5, true, null, \"x\\/y\\u00e9\"],\n\t\"b\": {}\n}\n")
        #expect(outline(root) == "{a: [1, 2.5, true, null, \"x/yé\"], b: {}}")
    }

    @Test(
        "a plain scalar means what YAML 1.1 says, without its traps of dates and base 60",
        arguments: [
            ("12", "12"), ("-7", "-7"), ("+7", "7"), ("0x1F", "31"), ("0o17", "15"), ("0755", "493"), ("0b101", "5"),
            ("1_000", "1000"), ("1.50", "1.5"), (".5", "0.5"), ("1e3", "1000.0"), ("-.inf", "-inf"), (".nan", "nan"),
            ("99999999999999999999", "1e+20"), ("yes", "true"), ("Off", "false"), ("~", "null"), ("", "null"),
            ("22:22", "\"22:22\""), ("2024-01-01", "\"2024-01-01\""), ("1.2.3", "\"1.2.3\""), ("-", "[null]"),
            ("0x", "\"0x\""), ("1e", "\"1e\""), (".", "\".\""), ("y", "\"y\""), ("'12'", "\"12\""),
            ("!!str 12", "\"12\""), ("!!int '12'", "12"), ("! 12", "\"12\""), ("nan", "\"nan\""),
            ("infinity", "\"infinity\""),
        ]
    )
    func scalars(text: String, expected: String) throws {
        #expect(
            outline(try parsed("a: \(text.hasPrefix("-") && text.count == 1 ? "\n- " : text)\n")) == "{a: \(expected)}"
        )
    }

    @Test(
        "an empty document and one of comments are nothing",
        arguments: ["", "\n", "# nothing\n", "---\n", "\u{FEFF}"]
    )
    func empty(text: String) throws {
        #expect(outline(try parsed(text)) == "null")
    }

    @Test("aliases repeat their anchor, merge keys bring in what is not given")
    func aliases() throws {
        let text = """
            base: &base {image: a, user: b}
            one: *base
            two: {<<: *base, user: c}
            three: {user: d, <<: [{image: z}, *base]}
            four: {"<<": 1}
            """
        let expected = """
            {base: {image: "a", user: "b"}, one: {image: "a", user: "b"}, two: {user: "c", image: "a"}, \
            three: {user: "d", image: "z"}, four: {<<: 1}}
            """
        #expect(outline(try parsed(text)) == expected)
    }

    @Test("every duplicate key is reported with both positions")
    func duplicates() {
        let text = "a: 1\nb: {c: 1, 'c': 2}\na: 2\n\"a\": 3\n"
        #expect(
            problems(text) == [
                "c.yml:2:11: duplicate key \"c\"; it is already given at line 2, column 5",
                "c.yml:3:1: duplicate key \"a\"; it is already given at line 1, column 1",
                "c.yml:4:1: duplicate key \"a\"; it is already given at line 1, column 1",
            ]
        )
    }

    @Test("a document that explodes when its aliases are followed is refused at once")
    func billionLaughs() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 {
            text +=
                "a\(level): &a\(level) [" + repeatElement("*a\(level - 1)", count: 10).joined(separator: ", ") + "]\n"
        }
        #expect(
            problems(text) == [
                "c.yml:6:10: the document has more than 200000 values when its aliases are followed"
            ]
        )
    }

    @Test("so is one that explodes in its keys or its merges")
    func explodingKeysAndMerges() {
        var keys = "a0: &a0 [x, x]\n"
        var merges = "a0: &a0 {x: 1, y: 2}\n"
        for level in 1...40 {
            keys += "? &a\(level) [*a\(level - 1), *a\(level - 1)]\n: x\n"
            merges += "a\(level): &a\(level) {<<: [*a\(level - 1), *a\(level - 1)]}\n"
        }
        #expect(problems(keys).last?.hasSuffix("more than 200000 values when its aliases are followed") == true)
        #expect(problems(merges).last?.hasSuffix("more than 200000 values when its aliases are followed") == true)
    }

    @Test("depth and size are bounded, also through aliases")
    func bounds() {
        let limits = YAMLDocument.Limits(bytes: 4000, depth: 3)
        #expect(problems("[[[1]]]", limits: limits) == [])
        #expect(
            problems("[[[[1]]]]", limits: limits) == [
                "c.yml:1:4: the document is nested too deeply; at most 3 levels are allowed"
            ]
        )
        #expect(
            problems("a: &a [[1]]\nb: [*a]\n", limits: limits) == [
                "c.yml:2:5: the document is nested too deeply; at most 3 levels are allowed"
            ]
        )
        #expect(
            problems(String(repeating: "a", count: 4001), limits: limits) == [
                "c.yml:1:1: the document has 4001 bytes; at most 4000 are allowed"
            ]
        )
        #expect(problems(String(repeating: "[", count: 1_000_000)).count == 1)
        #expect(problems(String(repeating: "- ", count: 500_000)).count == 1)
    }

    @Test(
        "bad syntax is one sentence with its position",
        arguments: [
            ("a:\n\tb: 1\n", "c.yml:2:1: a tab cannot be used for indentation; use spaces"),
            ("a: @b\n", "c.yml:1:4: a value cannot begin with \"@\"; put it in quotes"),
            (
                "a: b: c\n",
                "c.yml:1:5: a key is not allowed here; check the indentation, and put text that contains \": \" in quotes"
            ),
            ("a: [1, 2\nb: 3\n", "c.yml:2:2: expected \",\" or \"]\" in a list"),
            ("a: 'x\n", "c.yml:2:1: the document ends inside quotes"),
            ("a: 1\n--- \nb: 2\n", "c.yml:2:1: a second document begins here; a file holds one only"),
            ("a: *b\n", "c.yml:1:4: the alias *b has no anchor &b before it"),
            ("a: &a [*a]\n", "c.yml:1:8: the alias *a stands inside its own anchor"),
            ("a: !Ref x\n", "c.yml:1:4: the tag !Ref is not known here"),
            ("a: !!binary x\n", "c.yml:1:4: the tag !!binary is not known here"),
            ("? [a]\n: b\n", "c.yml:1:3: a key must be text, not a list or a mapping"),
            ("? \n: b\n", "c.yml:1:2: a key is missing before \":\""),
            ("<<: 1\n", "c.yml:1:5: a merge key (<<) takes a mapping or a list of mappings"),
            ("<<: [{a: 1}, 2]\n", "c.yml:1:14: a merge key (<<) takes mappings only"),
            (
                "a: \"\\ud83d\\ude00\"\n",
                "c.yml:1:7: this is not the code of a character; write the character itself instead of two \\u escapes"
            ),
            ("a: \"\\q\"\n", "c.yml:1:5: unknown escape; in double quotes write \\\\ for a backslash"),
            (
                "é: 1\nü: \u{1}\n",
                "c.yml:2:4: control characters are not allowed; write them as an escape in double quotes, such as \"\\x1b\""
            ),
            (
                "a: 1\n b: 2\n",
                "c.yml:2:3: a key is not allowed here; check the indentation, and put text that contains \": \" in quotes"
            ),
            ("- a\nb: 1\n", "c.yml:2:1: expected \"- \" for the next element of the list; check the indentation"),
        ]
    )
    func badSyntax(text: String, expected: String) {
        #expect(problems(text) == [expected])
    }

    @Test("bytes that are not UTF-8 are refused with their position")
    func notUTF8() {
        let diagnostics = Diagnostics()
        #expect(YAMLDocument.parse([0x61, 0x3A, 0x20, 0x0A, 0xFF], file: "c.yml", into: diagnostics) == nil)
        #expect(
            diagnostics.all.map(\.description) == ["c.yml:2:1: the document is not UTF-8 (invalid leading UTF-8 octet)"]
        )
    }

    @Test("a value from elsewhere overlays the tree")
    func overlay() throws {
        var root = try parsed("gateway: {socket: /a, web: 1}\n")
        let origin = SourcePosition(file: "MARTLET_GATEWAY_WEB_PORT")
        root.set(.plain("80", at: origin), at: ["gateway", "web", "port"])
        #expect(outline(root) == "{gateway: {socket: \"/a\", web: {port: 80}}}")
        #expect(root["gateway"]?["web"]?["port"]?.position.description == "MARTLET_GATEWAY_WEB_PORT")
    }
}
