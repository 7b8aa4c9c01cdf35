/// What may be known of a value that requests with lost answers have changed.
///
/// A request whose answer was lost may take effect at any time until everything has come to rest, also after later ones.
struct Uncertain<Value: Hashable & Sendable>: Sendable {
    private var current: Set<Value>
    private var late: Set<Value> = []

    /// A value that is known.
    init(_ value: Value) {
        current = [value]
    }

    /// Whether the value may be this one.
    func allows(_ value: Value) -> Bool { current.contains(value) || late.contains(value) }

    /// The value, if it is known.
    var known: Value? { current.count == 1 && late.isSubset(of: current) ? current.first : nil }

    /// Notes that a change was acknowledged or that the value was read.
    mutating func settle(_ value: Value) { current = [value] }

    /// Notes a change whose answer was lost.
    mutating func lose(_ value: Value) {
        current.insert(value)
        late.insert(value)
    }

    /// Notes that no request is under way any more.
    mutating func rest() {
        current.formUnion(late)
        late = []
    }
}
