import Base
import Foundation
import Model
import RunConfig
import TestSupport
import Testing

@Suite("The pipelines that people copy are right", .timeLimit(.minutes(5)))
struct DocumentationTests {
    /// A pipeline that a person may copy, and where it stands.
    struct Sample: CustomTestStringConvertible {
        let place: String
        let text: String

        var testDescription: String { place }
    }

    private static let root = TestNginx.projectDirectory

    /// The fenced YAML of a page; what is not meant to be whole has another language there.
    private static func samples(of page: String) throws -> [Sample] {
        let text = try String(contentsOfFile: "\(root)/\(page)", encoding: .utf8)
        return text.components(separatedBy: "\n```yaml\n").dropFirst().enumerated().map { index, rest in
            Sample(place: "\(page), example \(index + 1)", text: rest.components(separatedBy: "\n```")[0] + "\n")
        }
    }

    @Test("each YAML block of a page is a whole pipeline file", arguments: ["README.md", "docs/pipelines.md"])
    func pages(page: String) throws {
        let samples = try Self.samples(of: page)
        try #require(!samples.isEmpty)
        for sample in samples {
            #expect(problems(sample.text) == [], "\(sample.place)")
            #expect(!(try graphs(sample.text).isEmpty && graphs(sample.text, context: Self.version).isEmpty))
        }
    }

    @Test("each file of the examples is a whole pipeline file")
    func examples() throws {
        let directory = "\(Self.root)/examples/pipelines"
        let files = try FileManager.default.contentsOfDirectory(atPath: directory)
        try #require(files.count >= 3)
        for file in files {
            let text = try String(contentsOfFile: "\(directory)/\(file)", encoding: .utf8)
            #expect(problems(text) == [], "\(file)")
        }
    }

    @Test("the example of a release makes one run for a branch and another one for a version tag")
    func release() throws {
        let text = try String(contentsOfFile: "\(Self.root)/examples/pipelines/release.yml", encoding: .utf8)
        #expect(try graphs(text).map(\.name) == ["build"])
        let release = try #require(try graphs(text, context: Self.version, variables: ["uploadToken": "hidden"]).first)
        #expect(release.name == "release")
        #expect(release.usedSecrets.map(\.revealed) == ["hidden"])
        #expect(release.tasks.values.filter(\.needsApproval).map(\.name) == ["publish"])
    }

    private static let version = RunContext.tag("v1.0.0", commitSHA: "c0ffee")
}
