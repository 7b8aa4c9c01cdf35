import Base
import FoundationEssentials

/// The ways in which a secret may appear in a log: as it is, line by line, and in the encodings that tools print.
enum SecretForms {
    /// Shorter secrets, and shorter lines or encodings of one, are not masked: they would make any log unreadable.
    static let shortest = 4

    /// All byte strings to mask.
    static func patterns(of secrets: [SecretValue]) -> Set<[UInt8]> {
        var patterns: Set<[UInt8]> = []
        for secret in secrets {
            for text in plainForms(of: secret.revealed) {
                let bytes = Array(text.utf8)
                guard bytes.count >= shortest else { continue }
                patterns.insert(bytes)
                patterns.formUnion(base64Forms(of: bytes))
                patterns.formUnion(percentForms(of: bytes))
                patterns.insert(jsonForm(of: bytes))
            }
        }
        return patterns.filter { $0.count >= shortest }
    }

    /// The secret, with the line ends of a terminal, without outer white space, and each of its lines.
    private static func plainForms(of secret: String) -> Set<String> {
        let lines = secret.split(whereSeparator: \.isNewline).map { trimmed($0) }
        return Set(
            [secret, trimmed(secret[...]), lines.joined(separator: "\n"), lines.joined(separator: "\r\n")] + lines
        )
    }

    private static func trimmed(_ text: Substring) -> String {
        let head = text.drop { $0.isWhitespace }
        guard let last = head.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(head[...last])
    }

    /// The characters that a secret decides wherever it begins in the encoded text, and its encoding alone: whole, and in
    /// lines of 76 as tools wrap it; in both alphabets.
    static func base64Forms(of bytes: [UInt8]) -> Set<[UInt8]> {
        var forms: Set<[UInt8]> = []
        for shift in 0..<3 {
            let padding = [UInt8](repeating: 0, count: shift)
            let encoded = Array(Data(padding + bytes).base64EncodedString().utf8)
            let start = (shift * 8 + 5) / 6
            forms.insert(Array(encoded[start..<((shift + bytes.count) * 8 / 6)]))
            forms.insert(Array(encoded[start...]))
            if shift == 0, encoded.count > 76 {
                for line in stride(from: 0, to: encoded.count, by: 76) {
                    forms.insert(Array(encoded[line..<min(line + 76, encoded.count)]))
                }
            }
        }
        let urlSafe = forms.map { form in
            form.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: "-") : $0 == UInt8(ascii: "/") ? UInt8(ascii: "_") : $0 }
        }
        return forms.union(urlSafe).filter { $0.count >= shortest }
    }

    /// Percent-encoded as in URLs and in forms, with big and small digits.
    private static func percentForms(of bytes: [UInt8]) -> Set<[UInt8]> {
        var forms: Set<[UInt8]> = []
        for digits in ["0123456789ABCDEF", "0123456789abcdef"] {
            for kept in ["-_.~", "-_.~!*'()", "-_.~/", "-_.~:/?#[]@!$&'()*+,;="] {
                let form = percentEncoded(bytes, keeping: Array(kept.utf8), Array(digits.utf8))
                forms.insert(form)
                forms.insert(
                    form.split(separator: Array("%20".utf8)).reduce(into: []) { result, part in
                        result += result.isEmpty ? Array(part) : [UInt8(ascii: "+")] + part
                    }
                )
            }
        }
        return forms
    }

    private static func percentEncoded(_ bytes: [UInt8], keeping kept: [UInt8], _ digits: [UInt8]) -> [UInt8] {
        var encoded: [UInt8] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                encoded.append(byte)
            case _ where kept.contains(byte): encoded.append(byte)
            default: encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return encoded
    }

    /// As it stands inside a JSON string.
    private static func jsonForm(of bytes: [UInt8]) -> [UInt8] {
        var form: [UInt8] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): form += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): form += Array("\\n".utf8)
            case UInt8(ascii: "\r"): form += Array("\\r".utf8)
            case UInt8(ascii: "\t"): form += Array("\\t".utf8)
            default: form.append(byte)
            }
        }
        return form
    }
}
