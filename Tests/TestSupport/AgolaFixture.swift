import FoundationEssentials

/// An export of Agola 0.7 in a form that people can read and tests can change: a line for each record, with its type, its id and its
/// JSON.
package struct AgolaFixture: Sendable {
    /// The lines.
    package var lines: [String]

    /// Reads a file beside a test's source.
    package init(_ name: String, besides source: String = #filePath) throws {
        let path = URL(filePath: source).deletingLastPathComponent().appending(path: "Agola/\(name)")
        let text = String(decoding: try Data(contentsOf: path), as: UTF8.self)
        lines = text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
    }

    /// The stream as Agola sends it: objects without anything between them.
    package var stream: [UInt8] { Array(lines.map(Self.object).joined().utf8) }

    /// The same with other text in place of the first occurrence of some.
    package func replacing(_ text: String, with other: String) -> AgolaFixture {
        var fixture = self
        for index in lines.indices {
            guard let range = lines[index].firstRange(of: text) else { continue }
            fixture.lines[index].replaceSubrange(range, with: other)
            return fixture
        }
        preconditionFailure("the fixture holds no \(text)")
    }

    /// The same without the lines that begin with a text.
    package func without(_ beginning: String) -> AgolaFixture {
        var fixture = self
        fixture.lines.removeAll { $0.hasPrefix(beginning) }
        return fixture
    }

    /// The same with one random change somewhere in a line.
    package func mutated(by random: inout some RandomNumberGenerator) -> AgolaFixture {
        var fixture = self
        let index = Int.random(in: lines.indices, using: &random)
        var bytes = Array(lines[index].utf8)
        let start = Int.random(in: bytes.indices, using: &random)
        let end = min(bytes.count, start + Int.random(in: 1...12, using: &random))
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[start] ^= 1 << UInt8.random(in: 0..<7, using: &random)
        case 1: bytes.removeSubrange(start..<end)
        case 2: bytes.insert(contentsOf: bytes[start..<end], at: start)
        case 3:
            let values = [
                "null", "-1", "9223372036854775807", "1e300", "\"\"", "{}", "[]", "true", "\u{0}", "\u{FEFF}",
            ]
            bytes.replaceSubrange(start..<end, with: Array((values.randomElement(using: &random) ?? "").utf8))
        default:
            fixture.lines.swapAt(index, Int.random(in: lines.indices, using: &random))
            return fixture
        }
        fixture.lines[index] = String(decoding: bytes, as: UTF8.self)
        return fixture
    }

    private static func object(_ line: String) -> String {
        let parts = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        let (type, id, data) = (parts[0], parts.count > 1 ? parts[1] : "", parts.count > 2 ? parts[2] : "")
        return "{\"id\":\"\(id)\",\"data_type\":\"\(type)\",\"data\":\"\(Data(data.utf8).base64EncodedString())\"}"
    }
}
