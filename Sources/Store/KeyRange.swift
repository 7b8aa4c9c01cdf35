/// The names that begin with a prefix, as a range of SQLite's byte order.
///
/// A range uses the index whatever characters the prefix has; `LIKE` would treat `%` and `_` as wildcards.
struct KeyRange: Equatable {
    /// The first name that may match.
    let lower: String
    /// The first name after all that match; nil when there is no end.
    let upper: String?

    /// The range of all names that begin with `prefix`.
    init(prefix: String) {
        lower = prefix
        upper = Self.successor(of: prefix)
    }

    /// UTF-8 sorts like its scalars, so the end is the prefix with its last scalar raised by one.
    private static func successor(of prefix: String) -> String? {
        var scalars = Array(prefix.unicodeScalars)
        while let last = scalars.popLast() {
            let next = last.value == 0xD7FF ? 0xE000 : last.value + 1
            guard let scalar = Unicode.Scalar(next) else { continue }
            scalars.append(scalar)
            return String(String.UnicodeScalarView(scalars))
        }
        return nil
    }
}
