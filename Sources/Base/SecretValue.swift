/// A value that must never reach a log, an error or a process title: its description hides it.
public struct SecretValue: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    /// The secret itself; named so that every use can be found.
    public let revealed: String

    /// Hides `value`.
    public init(_ value: String) {
        revealed = value
    }

    /// Three stars.
    public var description: String { "***" }

    /// Three stars.
    public var debugDescription: String { "***" }

    /// Shows no children.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension SecretValue: Codable {
    /// Decodes from a plain string.
    public init(from decoder: any Decoder) throws {
        revealed = try decoder.singleValueContainer().decode(String.self)
    }

    /// Encodes as a plain string: the wire and the store need the secret itself.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(revealed)
    }
}
