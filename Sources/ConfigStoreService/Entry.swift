/// A record as a transaction saw it.
struct Entry<Value: ConfigRecord>: Sendable {
    /// The value.
    let value: Value
    /// The commit that wrote it, which a batch may expect unchanged.
    let revision: Int64
}
