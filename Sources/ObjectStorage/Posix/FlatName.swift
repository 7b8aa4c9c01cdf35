import Base

/// Names as paths that can hold an object and its continuations side by side.
///
/// After every eight characters stands a separator, so a directory's name has eight characters and a file's fewer; a file that would
/// have eight gets the mark `.f`, and so ten. `/` and `%` are escaped, and a file that would be called `.` or `..`.
/// What a file's name stands for is thus told by its length and by what it is, never by its ending alone.
enum FlatName {
    private static let length = 8
    private static let mark = ".f"

    static func path(of name: String) -> String {
        let parts = parts(of: name)
        let directories = parts.dropLast().map(escaped)
        let file = parts.last.map { escaped($0) + ($0.count == length ? mark : "") } ?? ""
        return (directories + [file]).joined(separator: "/")
    }

    /// What begins with a whole number of parts lies in their directory, but for the name that is exactly that long.
    static func start(of prefix: String) -> (name: String, path: String) {
        let whole = parts(of: prefix).dropLast()
        return (whole.map { text($0) }.joined(), whole.map(escaped).joined(separator: "/"))
    }

    static func part(of entry: String, isDirectory: Bool) -> String? {
        let isMarked = !isDirectory && entry.utf8.count > length && entry.hasSuffix(mark)
        guard let part = PercentEncoding.decode(isMarked ? String(entry.dropLast(mark.count)) : entry) else {
            return nil
        }
        let count = part.unicodeScalars.count
        guard isDirectory || isMarked ? count == length : (1..<length).contains(count) else { return nil }
        // Another spelling of the same name would be a second file for it.
        let spelling = escaped(Array(part.unicodeScalars)[...]) + (isMarked ? mark : "")
        return spelling.utf8.elementsEqual(entry.utf8) ? part : nil
    }

    private static func parts(of name: String) -> [ArraySlice<Unicode.Scalar>] {
        let scalars = Array(name.unicodeScalars)
        return stride(from: 0, to: scalars.count, by: length).map { scalars[$0..<min($0 + length, scalars.count)] }
    }

    private static func text(_ part: ArraySlice<Unicode.Scalar>) -> String {
        var text = ""
        text.unicodeScalars.append(contentsOf: part)
        return text
    }

    private static func escaped(_ part: ArraySlice<Unicode.Scalar>) -> String {
        let isDots = part.count <= 2 && part.allSatisfy { $0 == "." }
        var text = ""
        for scalar in part {
            switch scalar {
            case "/": text += "%2F"
            case "%": text += "%25"
            case "." where isDots: text += "%2E"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
