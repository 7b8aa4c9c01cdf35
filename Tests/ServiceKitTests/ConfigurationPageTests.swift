import Foundation
import ServiceKit
import StrictYAML
import TestSupport
import Testing

@Suite("The page about the configuration", .temporaryDirectory, .timeLimit(.minutes(5)))
struct ConfigurationPageTests {
    private static let root = TestNginx.projectDirectory

    private static func page() throws -> String {
        try String(contentsOfFile: "\(root)/docs/configuration.md", encoding: .utf8)
    }

    private static func source() throws -> String {
        try ["ConfigurationReader", "ConfigurationReader+ObjectStorage"].map {
            try String(contentsOfFile: "\(root)/Sources/ServiceKit/\($0).swift", encoding: .utf8)
        }.joined()
    }

    /// Reads a text as `martletd` would, beside the key files that it names.
    private func load(_ text: String, for components: Set<Component> = Set(Component.allCases)) throws -> [Diagnostic] {
        let directory = TemporaryDirectory.path
        try FileManager.default.createDirectory(atPath: "\(directory)/keys", withIntermediateDirectories: true)
        for name in ["internal-token", "admin-token", "cookie-signing", "s3-access", "s3-secret"] {
            let key = String(repeating: "0123456789abcdef", count: 2) + "\n"
            try Data(key.utf8).write(to: URL(filePath: "\(directory)/keys/\(name)"))
        }
        do {
            _ = try ConfigurationLoader.parse(Array(text.utf8), file: "\(directory)/config.yml", for: components)
            return []
        } catch let errors as DocumentErrors {
            return errors.diagnostics
        }
    }

    @Test("names every key that the reader knows, in its table and in its whole file")
    func everyKey() throws {
        let source = try Self.source()
        let keys = source.matches(of: /(?:optional|required)\("([A-Za-z]+)"\)/).map { String($0.1) }
        let endpoints = source.matches(of: /common\.endpoint\(\.([a-z]+)/).map { "\($0.1)URL" }
        #expect(keys.count > 30)
        #expect(endpoints.count == 5)
        let page = try Self.page()
        let table = page.matches(of: /`([A-Za-z]+(?:\.[A-Za-z]+)*)`/).map { String($0.1) }
        let described = Set(table.flatMap { $0.split(separator: ".").map(String.init) })
        // `file` is a form of any secret, not a key of its own.
        for key in Set(keys + endpoints).subtracting(["file"]).sorted() {
            #expect(described.contains(key), "\(key) is not described")
            #expect(page.contains(try Regex("(?m)^ *\(key):")), "\(key) is missing in the file with every key")
        }
    }

    @Test("names every variable that overrides a key")
    func everyVariable() throws {
        let source = try Self.source()
        let list = try #require(source.firstMatch(of: /overridable = \[([^\]]*)\]/)?.1)
        let paths = list.matches(of: /"([A-Za-z.]+)"/).map { String($0.1) }
        #expect(paths.count > 10)
        let page = try Self.page()
        for path in paths {
            let name = "MARTLET_" + path.replacing(".", with: "_").uppercased()
            #expect(page.contains("| `\(name)` | `\(path)` |"))
        }
    }

    @Test("shows files that are right")
    func blocks() throws {
        let blocks = try Self.page().components(separatedBy: "\n```yaml\n").dropFirst()
        try #require(!blocks.isEmpty)
        for block in blocks {
            #expect(try load(block.components(separatedBy: "\n```")[0]) == [])
        }
    }

    @Test("shows a bucket for objects that is right")
    func bucket() throws {
        let blocks = try Self.page().components(separatedBy: "\n```yml\n").dropFirst()
        try #require(blocks.count == 1)
        for block in blocks {
            #expect(try load(block.components(separatedBy: "\n```")[0], for: [.runservice]) == [])
        }
    }

    @Test("has examples beside it that are right")
    func examples() throws {
        let services: Set<Component> = [.configstore, .runservice, .gitserver, .gateway]
        for (file, components) in [("config.yml", services), ("executor.yml", [.executor])] {
            let text = try String(contentsOfFile: "\(Self.root)/examples/\(file)", encoding: .utf8)
            #expect(try load(text, for: components) == [], "\(file)")
        }
    }
}
