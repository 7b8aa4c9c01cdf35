/// A duration as it goes over the wire: a whole number of nanoseconds.
public struct WireDuration: Hashable, Sendable, Codable {
    /// The duration itself.
    public var duration: Duration

    /// Wraps a duration.
    public init(_ duration: Duration) {
        self.duration = duration
    }

    /// The whole nanoseconds; durations beyond 292 years are clamped.
    public var nanoseconds: Int64 {
        let (seconds, attoseconds) = duration.components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : product + attoseconds / 1_000_000_000
    }

    /// Decodes from a number of nanoseconds.
    public init(from decoder: any Decoder) throws {
        duration = .nanoseconds(try decoder.singleValueContainer().decode(Int64.self))
    }

    /// Encodes as a number of nanoseconds.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(nanoseconds)
    }
}
