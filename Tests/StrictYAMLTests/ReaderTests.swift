import Base
import StrictYAML
import Testing

/// Reads a mapping and answers what a person would read.
private func reading(
    _ text: String,
    rules: Diagnostics.Rules = .init(),
    _ body: (MappingReader) -> Void
) throws -> [String] {
    let diagnostics = Diagnostics(rules: rules)
    let node = try #require(YAMLDocument.parse(text, file: "c.yml", into: diagnostics))
    if let mapping = NodeReader(node, diagnostics: diagnostics).mapping() {
        body(mapping)
        mapping.finish()
    }
    return diagnostics.all.map(\.description)
}

@Suite("A reader says what was expected and what was found", .timeLimit(.minutes(5)))
struct ReaderTests {
    private enum Color: String, CaseIterable { case red, green, blue }

    @Test("right values are read")
    func values() throws {
        let text = """
            {name: x, port: 80, on: yes, wait: 1h30m, size: 64MiB, color: green, list: [a, b], map: {k: v, 8: w}, empty: , n: 12}
            """
        let found = try reading(text) { reader in
            #expect(reader.required("name")?.string() == "x")
            #expect(reader.optional("port")?.integer(in: 1...65535) == 80)
            #expect(reader.optional("on")?.bool() == true)
            #expect(reader.optional("wait")?.duration() == .seconds(5400))
            #expect(reader.optional("size")?.byteSize() == 64 << 20)
            #expect(reader.optional("color")?.enumeration(Color.self) == .green)
            #expect(reader.optional("list")?.strings() == ["a", "b"])
            #expect(reader.optional("map")?.stringMap() == ["k": "v", "8": "w"])
            #expect(reader.optional("empty") == nil)
            #expect(reader.value("empty")?.isNull == true)
            #expect(reader.optional("absent") == nil)
            #expect(reader.optional("n")?.string(coercing: true) == "12")
        }
        #expect(found == [])
    }

    @Test("all wrong values are reported at once, each with its position")
    func wrongValues() throws {
        let text = """
            name: 12
            port: 70000
            on: maybe
            wait: 5 parsecs
            size: [1]
            color: gren
            list: {a: 1}
            items: [a, 2, {b: c}]
            must:
            """
        let found = try reading(text) { reader in
            _ = reader.required("name")?.string()
            _ = reader.optional("port")?.integer(in: 1...65535)
            _ = reader.optional("on")?.bool()
            _ = reader.optional("wait")?.duration()
            _ = reader.optional("size")?.byteSize()
            _ = reader.optional("color")?.enumeration(Color.self)
            _ = reader.optional("list")?.list()
            _ = reader.optional("items")?.strings()
            _ = reader.required("must")
            _ = reader.required("absent")
        }
        #expect(
            found == [
                #"c.yml:1:1: the key "absent" is missing"#,
                #"c.yml:1:7: expected text for "name", found the number 12; put it in quotes"#,
                #"c.yml:2:7: expected a whole number from 1 to 65535 for "port", found the number 70000"#,
                #"c.yml:3:5: expected true or false for "on", found the text "maybe""#,
                #"c.yml:4:7: expected a duration such as "90s", "1h30m" or "250ms" for "wait", found the text "5 parsecs""#,
                #"c.yml:5:7: expected a size such as "64MiB", "1.5G" or a number of bytes for "size", found a list"#,
                #"c.yml:6:8: expected one of red, green, blue for "color", found the text "gren"; did you mean "green"?"#,
                #"c.yml:7:7: expected a list for "list", found a mapping"#,
                #"c.yml:8:12: expected text for "items[1]", found the number 2; put it in quotes"#,
                #"c.yml:8:15: expected text for "items[2]", found a mapping"#,
                #"c.yml:9:6: "must" is empty"#,
            ]
        )
    }

    @Test("an unknown key names the key that was probably meant")
    func unknownKeys() throws {
        let found = try reading("evironment: 1\nworking-dir: 2\nNAME: 3\nzebra: 4\n") { reader in
            for key in ["environment", "working_dir", "name"] { _ = reader.optional(key) }
        }
        #expect(
            found == [
                #"c.yml:1:1: unknown key "evironment"; did you mean "environment"?"#,
                #"c.yml:2:1: unknown key "working-dir"; did you mean "working_dir"?"#,
                #"c.yml:3:1: unknown key "NAME"; did you mean "name"?"#,
                #"c.yml:4:1: unknown key "zebra""#,
            ]
        )
    }

    @Test("under lenient rules unknown keys are warnings and the case of keys does not matter")
    func lenient() throws {
        let rules = Diagnostics.Rules(unknownKeys: .warning, ignoresKeyCase: true)
        let found = try reading("Name: x\nother: 1\n", rules: rules) { reader in
            #expect(reader.required("name")?.string() == "x")
        }
        #expect(
            found == [
                #"c.yml:1:1: warning: the key "Name" is taken as "name"; write it so"#,
                #"c.yml:2:1: warning: unknown key "other""#,
            ]
        )
    }

    @Test("many problems are counted, not shown, and cost little")
    func manyProblems() throws {
        let text = (0..<30_000).map { "unknown\($0): 1\n" }.joined()
        let found = try reading(text) { _ = $0.optional("unknown") }
        #expect(found.count == Diagnostics.limit + 1)
        #expect(found.last == "c.yml:100:1: 29900 more problems are not shown")
    }

    @Test("a document that cannot be used is an error with all problems")
    func thrown() throws {
        let diagnostics = Diagnostics()
        diagnostics.warning("careful", at: SourcePosition(file: "c.yml", line: 1, column: 1))
        try diagnostics.throwIfErrors()
        diagnostics.error("broken", at: SourcePosition(file: "command line"))
        let error = try #require(throws: DocumentErrors.self) { try diagnostics.throwIfErrors() }
        #expect(ErrorChain(error).message == "command line: broken\nc.yml:1:1: warning: careful")
    }

    @Test("a path shows keys and indices")
    func paths() {
        let path = DocumentPath.root.key("runs").index(0).key("tasks").index(1)
        #expect(path.description == "runs[0].tasks[1]")
        #expect(path.label == "tasks[1]")
    }

    @Test(
        "durations are Go's",
        arguments: [
            ("90s", Duration.seconds(90)), ("1h30m", .seconds(5400)), ("250ms", .milliseconds(250)),
            ("1.5h", .seconds(5400)),
            ("0", .zero), ("0s", .zero), (".5s", .milliseconds(500)), ("1us2µs3ns", .nanoseconds(3003)),
            ("2562047h", .seconds(2_562_047 * 3600)),
        ]
    )
    func durations(text: String, expected: Duration) {
        #expect(DurationText.parse(text) == expected)
    }

    @Test(
        "what is no duration is refused",
        arguments: ["", "1", "s", "-1s", "1d", "1 h", "1..5s", "9999999h", "1h-1m", ".s", "1.h5", "∞s", "٣s"]
    )
    func badDurations(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(
        "sizes are those of Kubernetes and of people",
        arguments: [
            ("512Mi", 512 << 20), ("1Gi", 1 << 30), ("1G", 1_000_000_000), ("1.5Gi", 3 << 29), ("1e9", 1_000_000_000),
            ("64MiB", 64 << 20),
            ("10kB", 10_000), ("7", 7), ("7B", 7), ("0.1", 1), ("1.0000001k", 1001), ("2E", 2_000_000_000_000_000_000),
            ("15e-1", 2),
        ]
    )
    func sizes(text: String, expected: Int) {
        #expect(ByteSizeText.parse(text) == expected)
    }

    @Test(
        "what is no size is refused",
        arguments: [
            "", "x", "-1", "1m", "1X", "1e99", "1e", "1.2.3", "16E", "1 G", "Mi", "99999999999999999999",
        ]
    )
    func badSizes(text: String) {
        #expect(ByteSizeText.parse(text) == nil)
    }
}
