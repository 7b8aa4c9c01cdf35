/// Sizes as people write them: `64MiB`, `512Mi`, `1G`, `1.5Gi`, `1e9`.
package enum ByteSizeText {
    /// What is accepted, for messages.
    package static let expectation = "a size such as \"64MiB\", \"1.5G\" or a number of bytes"

    private static let letters = ["k", "m", "g", "t", "p", "e"]

    /// Parses a size, rounding fractions up to a whole byte; nil for anything else, also for what does not fit.
    package static func parse(_ text: String) -> Int? {
        guard text.utf8.count <= 64 else { return nil }
        let number = text.prefix { $0.isASCII && $0.isNumber || $0 == "." }
        let suffix = text.dropFirst(number.count)
        guard let (mantissa, fraction) = digits(number) else { return nil }
        if let multiplier = multiplier(suffix) { return bytes(mantissa, multiplier, power: -fraction) }
        guard suffix.first == "e" || suffix.first == "E", let power = Int(suffix.dropFirst()) else { return nil }
        return bytes(mantissa, 1, power: power - fraction)
    }

    private static func digits(_ number: Substring) -> (mantissa: UInt128, fraction: Int)? {
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        // 18 digits keep all products below within 128 bits.
        guard parts.count <= 2, number.count <= 19, let mantissa = UInt128(parts.joined()) else { return nil }
        return (mantissa, parts.count == 2 ? parts[1].count : 0)
    }

    /// The factor of a suffix: `K`, `KB` are decimal, `Ki`, `KiB` binary; nil for an unknown one.
    private static func multiplier(_ suffix: Substring) -> UInt128? {
        var name = suffix.lowercased()
        if name.hasSuffix("b") { name.removeLast() }
        guard !name.isEmpty else { return 1 }
        let isBinary = name.hasSuffix("i")
        if isBinary { name.removeLast() }
        guard let index = letters.firstIndex(of: name) else { return nil }
        // In Kubernetes a small m is a thousandth, and a small e begins an exponent.
        if suffix == "m" || suffix == "e" { return nil }
        return (0...index).reduce(1) { product, _ in product * (isBinary ? 1024 : 1000) }
    }

    private static func bytes(_ mantissa: UInt128, _ multiplier: UInt128, power: Int) -> Int? {
        guard (-20...20).contains(power) else { return nil }
        let scale = (0..<abs(power)).reduce(into: UInt128(1)) { scale, _ in scale *= 10 }
        if power < 0 {
            return Int(exactly: (mantissa * multiplier + scale - 1) / scale)
        }
        let (product, overflow) = (mantissa * multiplier).multipliedReportingOverflow(by: scale)
        return overflow ? nil : Int(exactly: product)
    }
}
