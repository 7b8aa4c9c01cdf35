/// A scalar: its text, and what the text means.
package struct YAMLScalar: Sendable, Hashable {
    /// What a scalar means.
    package enum Value: Sendable, Hashable {
        /// Text.
        case string
        /// A whole number that fits.
        case int(Int)
        /// Any other number.
        case double(Double)
        /// A boolean, also `yes`, `no`, `on` and `off` as in YAML 1.1.
        case bool(Bool)
        /// Nothing.
        case null
    }

    /// The text as written, quotes and escapes resolved.
    package let text: String
    /// What it means.
    package let value: Value

    /// Text that stays text, as in quotes.
    package init(quoted text: String) {
        self.text = text
        self.value = .string
    }

    /// Text written without quotes: what it looks like decides.
    ///
    /// The rules are those of YAML 1.1, but dates and base-60 numbers (`22:22`) stay text: nobody means them.
    package init(plain text: String) {
        self.text = text
        self.value = Self.resolve(text)
    }

    private static func resolve(_ text: String) -> Value {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": return .bool(true)
        case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": return .bool(false)
        case ".nan", ".NaN", ".NAN": return .double(.nan)
        default: return number(text) ?? .string
        }
    }

    private static func number(_ text: String) -> Value? {
        // No number is longer; long texts are not worth a look.
        guard text.utf8.count <= 64, let first = text.utf8.first else { return nil }
        let isSigned = first == UInt8(ascii: "-") || first == UInt8(ascii: "+")
        let sign = first == UInt8(ascii: "-") ? "-" : ""
        let unsigned = isSigned ? text.dropFirst() : text[...]
        if ["inf", "Inf", "INF"].contains(where: { unsigned == ".\($0)" }) {
            return .double(sign.isEmpty ? .infinity : -.infinity)
        }
        guard let start = unsigned.utf8.first, isDigit(start) || start == UInt8(ascii: ".") else { return nil }
        let digits = unsigned.filter { $0 != "_" }
        return integer(sign, digits) ?? decimal(sign, digits)
    }

    private static func integer(_ sign: String, _ digits: String) -> Value? {
        for (prefix, radix) in [("0b", 2), ("0o", 8), ("0x", 16)] where digits.hasPrefix(prefix) {
            return Int(sign + digits.dropFirst(2), radix: radix).map { .int($0) }
        }
        guard digits.utf8.allSatisfy(isDigit) else { return nil }
        if digits.count > 1, digits.hasPrefix("0"), let octal = Int(sign + digits, radix: 8) { return .int(octal) }
        return Int(sign + digits).map { .int($0) }
    }

    private static func decimal(_ sign: String, _ digits: String) -> Value? {
        // `Double` also reads `0x1p3`, `inf` and the like, which are text here.
        let allowed = digits.utf8.allSatisfy { byte in isDigit(byte) || ".eE+-".utf8.contains(byte) }
        guard allowed, digits.utf8.contains(where: isDigit) else { return nil }
        return Double(sign + digits).map { .double($0) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
