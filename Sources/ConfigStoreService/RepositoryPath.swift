/// The rule for the path of a repository hosted by Martlet: `<owner>/<name>`.
package enum RepositoryPath {
    /// What a person is told about a path that breaks the rule.
    package static let rule =
        "A repository path is <owner>/<name>; the name has 1 to 100 letters, digits, dots, hyphens and underscores, "
        + "begins with a letter or digit, and does not end in .git."

    private static let maximumNameLength = 100

    /// Whether `path` keeps the rule.
    package static func isValid(_ path: String) -> Bool {
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count == 2, EntityName.isValid(String(Substring(parts[0]))) else { return false }
        return isValid(name: Array(parts[1]))
    }

    private static func isValid(name: [UInt8]) -> Bool {
        guard (1...maximumNameLength).contains(name.count), name[0].isASCIILetter || name[0].isASCIIDigit else {
            return false
        }
        let allowed = Set("._-".utf8)
        guard name.allSatisfy({ $0.isASCIILetter || $0.isASCIIDigit || allowed.contains($0) }) else { return false }
        return !String(decoding: name, as: UTF8.self).lowercased().hasSuffix(".git")
    }
}
