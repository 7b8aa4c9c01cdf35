/// Durations as people write them: `90s`, `1h30m`, `250ms`, `1.5h`.
package enum DurationText {
    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("ns", 1), ("us", 1000), ("µs", 1000), ("μs", 1000), ("ms", 1_000_000),
        ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ]

    /// What is accepted, for messages.
    package static let expectation = "a duration such as \"90s\", \"1h30m\" or \"250ms\""

    /// Parses a duration that is not negative; nil for anything else, also beyond 292 years.
    package static func parse(_ text: String) -> Duration? {
        guard text != "0" else { return .zero }
        var rest = text[...]
        var total: Int64 = 0
        guard !rest.isEmpty, text.utf8.count <= 128 else { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            rest = rest.dropFirst(number.count)
            let name = rest.prefix { !$0.isNumber && $0 != "." }
            rest = rest.dropFirst(name.count)
            guard let unit = units.first(where: { $0.name == name }),
                let part = nanoseconds(number, unit.nanoseconds)
            else { return nil }
            let (sum, overflow) = total.addingReportingOverflow(part)
            guard !overflow else { return nil }
            total = sum
        }
        return .nanoseconds(total)
    }

    private static func nanoseconds(_ number: Substring, _ unit: Int64) -> Int64? {
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, number != ".", !number.isEmpty else { return nil }
        guard let whole = Int64(parts[0].isEmpty ? "0" : parts[0]) else { return nil }
        let (product, overflow) = whole.multipliedReportingOverflow(by: unit)
        guard !overflow else { return nil }
        guard parts.count == 2, let fraction = Double("0.\(parts[1])") else { return parts.count == 1 ? product : nil }
        let (sum, tooLong) = product.addingReportingOverflow(Int64((fraction * Double(unit)).rounded()))
        return tooLong ? nil : sum
    }
}
