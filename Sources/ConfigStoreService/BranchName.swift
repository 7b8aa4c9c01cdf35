/// The rule for branch names, after git-check-ref-format(1).
enum BranchName {
    /// What a person is told about a name that breaks the rule.
    static let rule = "This is not a name that git accepts for a branch."

    private static let maximumLength = 250

    /// Whether `name` keeps the rule.
    static func isValid(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard (1...maximumLength).contains(bytes.count), name != "@", bytes[0] != UInt8(ascii: "-") else {
            return false
        }
        let forbidden = Set(" ~^:?*[\\".utf8)
        guard bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7F && !forbidden.contains($0) }) else { return false }
        guard !contains(bytes, ".."), !contains(bytes, "@{"), bytes.last != UInt8(ascii: ".") else { return false }
        return bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { part in
            guard let first = part.first else { return false }
            return first != UInt8(ascii: ".") && !part.reversed().starts(with: ".lock".utf8.reversed())
        }
    }

    private static func contains(_ bytes: [UInt8], _ pair: String) -> Bool {
        let pair = Array(pair.utf8)
        return zip(bytes, bytes.dropFirst()).contains { $0 == pair[0] && $1 == pair[1] }
    }
}
