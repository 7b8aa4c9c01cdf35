public import Base

// Tests name things by literals; sources never do.
extension Identifier: ExpressibleByStringLiteral {
    public init(stringLiteral text: String) {
        self.init(text)
    }
}
