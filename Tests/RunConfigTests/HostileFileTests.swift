import Base
import RunConfig
import StrictYAML
import Testing

@Suite("Hostile files are answered soon", .timeLimit(.minutes(5)))
struct HostileFileTests {
    /// Files of nearly 1 MiB, each made to be slow in another place.
    static let files: [(name: String, text: String)] = [
        ("unknown keys", "runs:\n" + (0..<60_000).map { "runz\($0): {}\n" }.joined()),
        (
            "tasks",
            "runs: [{name: r, tasks: ["
                + (0..<19_000).map { "{name: t\($0), runtime: {containers: [{image: i}]}},\n" }.joined() + "]}]"
        ),
        (
            "dependencies",
            "all: &all [" + (0..<90).map { "t\($0)" }.joined(separator: ", ") + "]\nruns: [{name: r, tasks: ["
                + (0..<1990).map { "{name: t\($0), runtime: {containers: [{image: i}]}, depends: *all},\n" }.joined()
                + "]}]"
        ),
        (
            "expressions",
            "runs: [{name: r, when: {ref: [" + repeatElement("'/(x{30}){30}/'", count: 40_000).joined(separator: ", ")
                + "]}}]"
        ),
        ("one long name", "runs: [{name: \(String(repeating: "x", count: 1_000_000))}]"),
        (
            "one long key",
            "\(String(repeating: "x", count: 1000)): 1\n? \(String(repeating: "y", count: 1_000_000))\n: 1"
        ),
        ("anchors", (0..<40_000).map { "a\($0): &a\($0) x\n" }.joined()),
        ("flow", String(repeating: "{a: [", count: 200_000)),
    ]

    @Test("a file that is made to be slow", arguments: files.map(\.name))
    func slow(name: String) throws {
        let text = try #require(Self.files.first { $0.name == name }?.text)
        #expect(text.utf8.count <= PipelineFile.maximumBytes + 2)
        let (document, diagnostics) = PipelineFile.parse(Array(text.utf8), file: yaml)
        #expect(document == nil && !diagnostics.isEmpty && diagnostics.count <= 202)
    }
}
