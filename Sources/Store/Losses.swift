/// Counts what a conversion cannot carry over, for one sentence a kind.
package struct Losses: Sendable {
    private var counts: [String: Int] = [:]

    /// Nothing yet.
    package init() {}

    /// Counts losses of a kind, told by a sentence without its full stop.
    package mutating func add(_ sentence: String, _ count: Int = 1) {
        if count > 0 { counts[sentence, default: 0] += count }
    }

    /// What the user is to be told.
    package var warnings: [String] {
        counts.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)." }
    }
}
