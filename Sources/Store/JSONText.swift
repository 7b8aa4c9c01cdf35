/// JSON strings, written and read without a detour through decoders: exports hold millions of them.
enum JSONText {
    private static let digits = Array("0123456789abcdef".utf8)

    /// The text with quotes and escapes, in the one way that exports use.
    static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
        if isPlain { return "\"\(text)\"" }
        var bytes = [UInt8(ascii: "\"")]
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0..<0x20: bytes += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes + [UInt8(ascii: "\"")], as: UTF8.self)
    }

    /// Takes a quoted text off the front of `rest`; nil unless it is written exactly as ``quoted(_:)`` writes it.
    static func unquoted(_ rest: inout ArraySlice<UInt8>) -> String? {
        guard rest.popFirst() == UInt8(ascii: "\"") else { return nil }
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return String(validating: bytes, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let escaped = unescaped(&rest) else { return nil }
                bytes.append(escaped)
            case 0..<0x20: return nil
            default: bytes.append(byte)
            }
        }
        return nil
    }

    private static func unescaped(_ rest: inout ArraySlice<UInt8>) -> UInt8? {
        let kind = rest.popFirst()
        if kind == UInt8(ascii: "\"") || kind == UInt8(ascii: "\\") { return kind }
        guard kind == UInt8(ascii: "u"), rest.starts(with: "00".utf8) else { return nil }
        let code = rest.dropFirst(2).prefix(2).compactMap { digits.firstIndex(of: $0) }
        rest = rest.dropFirst(4)
        guard code.count == 2, code[0] < 2 else { return nil }
        return UInt8(code[0] * 16 + code[1])
    }
}
