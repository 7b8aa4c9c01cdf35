/// The rule for names that become parts of paths: users, project groups, projects, remote sources.
///
/// One to forty characters: an ASCII letter or digit alone, or a letter followed by letters, digits and single hyphens between
/// them. Nothing that reads as a UUID, because references tell names from ids by their look.
enum EntityName {
    /// What a person is told about a name that breaks the rule.
    static let rule =
        "A name has 1 to 40 letters (a-z, A-Z), digits and single hyphens between them, begins with a letter, and is no UUID."

    private static let maximumLength = 40

    /// Whether `name` keeps the rule.
    static func isValid(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard (1...maximumLength).contains(bytes.count), !UUIDText.matches(name) else { return false }
        if bytes.count == 1 { return bytes[0].isASCIILetter || bytes[0].isASCIIDigit }
        guard bytes[0].isASCIILetter, bytes[bytes.count - 1] != UInt8(ascii: "-") else { return false }
        return zip(bytes, bytes.dropFirst()).allSatisfy { before, byte in
            byte.isASCIILetter || byte.isASCIIDigit || (byte == UInt8(ascii: "-") && before != byte)
        }
    }
}
