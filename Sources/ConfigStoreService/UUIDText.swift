/// Tells whether text reads as a UUID in one of the forms people write it.
enum UUIDText {
    private static let urnPrefix = "urn:uuid:"

    /// Whether `text` is a UUID: with hyphens, as 32 digits, in braces or as a URN; in any case.
    static func matches(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        if bytes.count == 38, bytes.first == UInt8(ascii: "{"), bytes.last == UInt8(ascii: "}") {
            return isHyphenated(bytes[1..<37])
        }
        if bytes.count == 45, text.prefix(9).lowercased() == urnPrefix { return isHyphenated(bytes[9...]) }
        return isHyphenated(bytes[...]) || (bytes.count == 32 && bytes.allSatisfy(\.isASCIIHexDigit))
    }

    private static func isHyphenated(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.count == 36 else { return false }
        return bytes.enumerated().allSatisfy { offset, byte in
            [8, 13, 18, 23].contains(offset) ? byte == UInt8(ascii: "-") : byte.isASCIIHexDigit
        }
    }
}
