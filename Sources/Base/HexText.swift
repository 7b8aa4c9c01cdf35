/// Bytes as hexadecimal digits, in lower case.
public enum HexText {
    private static let alphabet = Array("0123456789abcdef".utf8)

    /// Random bytes of the system's generator as digits.
    public static func random(bytes count: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        return text((0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    /// Bytes as digits.
    public static func text(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.flatMap { [alphabet[Int($0 >> 4)], alphabet[Int($0 & 15)]] }, as: UTF8.self)
    }
}
