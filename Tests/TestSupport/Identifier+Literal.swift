public import Base

// Tests name things by literals; sources never do.
extension Identifier: ExpressibleByStringLiteral {
    /// Takes the literal's text.
    public init(stringLiteral text: String) {
        self.init(text)
    }
}
