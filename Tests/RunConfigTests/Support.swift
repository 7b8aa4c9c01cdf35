import Base
import Foundation
import Model
import RunConfig
import StrictYAML
import Testing

/// The file most tests speak of.
let yaml = file(".martlet/config.yml")
/// The same pipeline written for Agola.
let agola = file(".agola/config.yml")

/// A candidate that exists.
func file(_ path: String) -> ConfigFile {
    guard let file = ConfigFile(path: path) else { preconditionFailure("no candidate \(path)") }
    return file
}

/// What a person reads about a pipeline file, without the file's name.
func problems(_ text: String, in file: ConfigFile = yaml) -> [String] {
    let (document, diagnostics) = PipelineFile.parse(Array(text.utf8), file: file)
    #expect((document == nil) == diagnostics.contains { $0.severity == .error })
    return diagnostics.map { String($0.description.dropFirst(file.path.count + 1)) }
}

/// A pipeline file that must be right.
func parsed(
    _ text: String,
    in file: ConfigFile = yaml,
    sourceLocation: SourceLocation = #_sourceLocation
) throws -> PipelineDocument {
    let (document, diagnostics) = PipelineFile.parse(Array(text.utf8), file: file)
    #expect(diagnostics == [], sourceLocation: sourceLocation)
    return try #require(document, sourceLocation: sourceLocation)
}

/// Builds the graphs with the identities 1, 2, 3 ….
func graphs(
    _ text: String,
    in file: ConfigFile = yaml,
    context: RunContext = .branch("main", commitSHA: "c0ffee"),
    variables: [String: String] = [:]
) throws -> [GraphBuilder.Graph] {
    var last = 0
    let builder = GraphBuilder(document: try parsed(text, in: file)) {
        last += 1
        return TaskID("\(last)")
    }
    return builder.graphs(context: context, variables: variables)
}

/// One task around the given lines of YAML, which begin at column 9.
func task(_ lines: String...) -> String {
    """
    runs:
      - name: r
        tasks:
          - name: t
            runtime: {containers: [{image: i}]}

    """ + lines.map { "        \($0)\n" }.joined()
}
