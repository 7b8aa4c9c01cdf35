import Base
import Foundation
import RunConfig
import StrictYAML
import Testing

/// Bad pipeline files beside what is said about them, in `Golden/`.
///
/// `MARTLET_REWRITE_GOLDEN=1 swift test --filter GoldenTests` writes what is said now; then read the difference.
@Suite("Every mistake is reported at once, with its position", .timeLimit(.minutes(5)))
struct GoldenTests {
    private static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")

    static let names: [String] = {
        guard let files = try? FileManager.default.contentsOfDirectory(atPath: directory.path) else { return [] }
        return files.filter { $0.hasSuffix(".yml") }.sorted()
    }()

    @Test("there are golden files")
    func exist() {
        #expect(Self.names.count >= 8)
    }

    @Test("a bad file is answered as written beside it", arguments: names)
    func golden(name: String) throws {
        let source = Self.directory.appending(path: name)
        let expectation = source.deletingPathExtension().appendingPathExtension("txt")
        let answer = problems(
            try String(contentsOf: source, encoding: .utf8),
            in: name.hasPrefix("agola") ? agola : yaml
        )
        .map { $0 + "\n" }.joined()
        if ProcessInfo.processInfo.environment["MARTLET_REWRITE_GOLDEN"] != nil {
            try answer.write(to: expectation, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: expectation, encoding: .utf8) == answer)
    }
}
