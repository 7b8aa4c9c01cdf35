import FoundationEssentials

/// The identity of one kind of thing, so that a run's id is never taken for a project's.
public struct Identifier<Subject>: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The identity as text: a lower-case UUID for everything Martlet creates itself.
    public let text: String

    /// Takes an identity that exists already.
    public init(_ text: String) {
        self.text = text
    }

    /// Makes a new random identity (UUID version 4).
    public static func random() -> Self {
        Self(UUID().uuidString.lowercased())
    }

    /// The text.
    public var description: String { text }

    /// Orders by text.
    public static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

extension Identifier: Codable {
    /// Decodes from a plain string.
    public init(from decoder: any Decoder) throws {
        text = try decoder.singleValueContainer().decode(String.self)
    }

    /// Encodes as a plain string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

extension Identifier: CodingKeyRepresentable {
    /// The text as a key, so that dictionaries keyed by identity become JSON objects.
    public var codingKey: any CodingKey { IdentifierKey(stringValue: text) }

    /// Takes any key.
    public init?(codingKey: some CodingKey) {
        text = codingKey.stringValue
    }
}

private struct IdentifierKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) {
        self.stringValue = stringValue
    }

    init?(intValue: Int) { nil }
}
