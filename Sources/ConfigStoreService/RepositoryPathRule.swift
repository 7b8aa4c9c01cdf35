/// The rule for the path of a repository hosted by Martlet: `<owner>/<name>`, fit to be a directory on the git server.
enum RepositoryPathRule {
    /// What a person is told about a path that breaks the rule.
    static let sentence =
        "A repository path is <owner>/<name>; the name has 1 to 100 letters, digits, dots, hyphens and underscores, "
        + "begins with a letter or digit, does not end in .git, .lock or a dot, and has no two dots in a row."

    private static let maximumNameLength = 100

    /// Whether `path` keeps the rule.
    static func isKept(by path: String) -> Bool {
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
            String(Substring($0))
        }
        guard parts.count == 2, EntityName.isValid(parts[0]) else { return false }
        return isRepositoryName(parts[1])
    }

    private static func isRepositoryName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard (1...maximumNameLength).contains(bytes.count), bytes[0].isASCIILetter || bytes[0].isASCIIDigit else {
            return false
        }
        guard bytes.allSatisfy({ $0.isASCIILetter || $0.isASCIIDigit || "._-".utf8.contains($0) }) else { return false }
        let lowercased = name.lowercased()
        return !name.contains("..") && ![".", ".git", ".lock"].contains(where: lowercased.hasSuffix)
            && !UUIDText.matches(name)
    }
}
