/// Times as p50 and p99.
struct Percentiles: CustomStringConvertible {
    private let sorted: [Duration]

    init(_ times: [Duration]) {
        sorted = times.sorted()
    }

    var description: String {
        "p50 \(microseconds(0.5)) µs  p99 \(microseconds(0.99)) µs"
    }

    private func microseconds(_ part: Double) -> Double {
        guard !sorted.isEmpty else { return 0 }
        let time = sorted[min(Int(Double(sorted.count) * part), sorted.count - 1)]
        return (time.seconds * 10_000_000).rounded() / 10
    }
}

extension Duration {
    /// The duration in seconds.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
