import Base
import Model
import RunConfig
import StrictYAML
import Testing

@Suite("A condition decides by branch, tag and reference", .timeLimit(.minutes(5)))
struct WhenConditionTests {
    /// Reads a condition as it stands in a pipeline file; one that never matches brings a warning with it.
    private func condition(_ text: String) throws -> WhenCondition? {
        let (document, diagnostics) = PipelineFile.parse(Array("runs: [{name: r, when: \(text)}]".utf8), file: yaml)
        #expect(diagnostics.allSatisfy { $0.message == "this condition never matches: it includes nothing" })
        return try #require(document).runs[0].when
    }

    private static let contexts: [Character: RunContext] = [
        "m": .branch("main", commitSHA: "c"), "f": .branch("feature/x", commitSHA: "c"),
        "v": .tag("v1.0", commitSHA: "c"),
        "p": .pullRequest("3", ref: "refs/pull/3/head", commitSHA: "c"),
    ]

    @Test(
        "on main (m), feature/x (f), the tag v1.0 (v) and pull request 3 (p)",
        arguments: [
            ("null", "mfvp"), ("{}", ""), ("{branch: main}", "m"), ("{branch: Main}", ""), ("{branch: mai}", ""),
            ("{branch: [main, feature/x]}", "mf"), ("{branch: {include: [main]}}", "m"),
            ("{branch: {exclude: main}}", ""),
            ("{branch: {include: '/.*/', exclude: [main]}}", "f"), ("{branch: '/ai/'}", "m"), ("{branch: '#^f#'}", "f"),
            ("{branch: '/^ai/'}", ""), ("{branch: '//'}", ""), ("{branch: ''}", ""), ("{branch: '/'}", ""),
            ("{tag: v1.0}", "v"), ("{tag: '/^v/'}", "v"), ("{branch: v1.0, tag: main}", ""),
            ("{branch: main, tag: '/^v/'}", "mv"),
            ("{ref: '#refs/pull/\\d+/head#'}", "p"), ("{branch: main, ref: {exclude: refs/heads/main}}", ""),
            ("{branch: {include: '/./', exclude: main}, ref: refs/heads/main}", "mf"), ("{ref: '/.*/'}", "mfvp"),
            ("{ref: refs/heads/main}", "m"), ("{ref: {include: '#^refs/heads/#', exclude: ['/main$/']}}", "f"),
        ]
    )
    func semantics(text: String, expected: String) throws {
        let condition = try condition(text)
        for (letter, context) in Self.contexts {
            #expect(condition?.matches(context) ?? true == expected.contains(letter), "\(text) on \(context.ref)")
        }
    }

    @Test("an empty branch or tag is not looked at")
    func emptyNames() throws {
        let context = RunContext(refType: .branch, ref: "refs/heads/x", commitSHA: "c")
        #expect(try condition("{branch: '/.*/'}")?.matches(context) == false)
    }

    @Test("names are compared byte by byte, as git does")
    func bytes() throws {
        #expect(try condition("{branch: \"caf\\u00e9\"}")?.matches(.branch("cafe\u{301}", commitSHA: "c")) == false)
    }
}
