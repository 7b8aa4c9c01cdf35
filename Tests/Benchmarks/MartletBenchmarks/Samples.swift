/// Durations of one thing done many times.
struct Samples {
    private let sorted: [Double]

    /// Takes milliseconds in any order.
    init(milliseconds: [Double]) {
        sorted = milliseconds.sorted()
    }

    /// The median in milliseconds.
    var median: Double { percentile(50) }

    /// The nearest-rank percentile in milliseconds; 0 without samples.
    func percentile(_ rank: Int) -> Double {
        guard !sorted.isEmpty else { return 0 }
        return sorted[min(sorted.count - 1, max(0, (sorted.count * rank + 99) / 100 - 1))]
    }

    /// `p50 … ms, p95 … ms`.
    var summary: String { "p50 \(median.rounded(1)) ms, p95 \(percentile(95).rounded(1)) ms" }
}

extension Double {
    /// A text with `digits` digits after the point.
    func rounded(_ digits: Int) -> String {
        var factor = 1.0
        for _ in 0..<digits { factor *= 10 }
        let value = (self * factor).rounded() / factor
        return digits == 0 ? "\(Int(value))" : "\(value)"
    }
}

extension Duration {
    /// The same span as a fraction of seconds.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }

    /// The same span as a fraction of milliseconds.
    var milliseconds: Double { seconds * 1_000 }
}
