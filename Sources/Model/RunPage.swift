import Base
import FoundationEssentials

/// A page of runs.
public struct RunPage<Entry: Sendable>: Sendable {
    /// The runs, in the order asked for.
    public var runs: [Entry]
    /// Whether more follow.
    public var hasMore: Bool

    /// Makes a page.
    public init(runs: [Entry], hasMore: Bool) {
        self.runs = runs
        self.hasMore = hasMore
    }

    /// A page of what becomes of each run.
    public func map<Other>(_ transform: (Entry) throws -> Other) rethrows -> RunPage<Other> {
        RunPage<Other>(runs: try runs.map(transform), hasMore: hasMore)
    }
}

extension RunPage: Equatable where Entry: Equatable {}

/// A page as the runservice sends it: a line with `hasMore`, then the JSON of each run on a line of its own.
///
/// So whoever has it can pass a run on, or remember what became of it, without decoding it.
extension RunPage<[UInt8]> {
    private struct Head: Codable {
        let hasMore: Bool
    }

    private static var lineEnd: UInt8 { UInt8(ascii: "\n") }

    /// Reads the lines.
    /// - Throws: ``Failure`` when they do not begin like a page.
    public init(lines: [UInt8]) throws {
        let parts = lines.split(separator: Self.lineEnd)
        let head = try JSONCoding.decode(Head.self, from: parts.first ?? [])
        self.init(runs: parts.dropFirst().map(Array.init), hasMore: head.hasMore)
    }

    /// The lines.
    public var lines: [UInt8] {
        var text = Array(#"{"hasMore":\#(hasMore)}"#.utf8)
        text.reserveCapacity(text.count + runs.reduce(0) { $0 + $1.count + 1 } + 1)
        for run in runs {
            text.append(Self.lineEnd)
            // Between the parts of a JSON text a space means the same; inside strings there are no line ends.
            text += run.contains(Self.lineEnd) ? run.map { $0 == Self.lineEnd ? UInt8(ascii: " ") : $0 } : run
        }
        return text
    }
}
