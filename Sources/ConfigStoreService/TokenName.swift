/// The rule for the names of API tokens: any text on one line that can stand in a URL.
enum TokenName {
    /// What a person is told about a name that breaks the rule.
    static let rule = "A token's name has 1 to 100 bytes on one line and is neither . nor .. by itself."

    private static let maximumLength = 100

    /// Whether `name` keeps the rule.
    static func isValid(_ name: String) -> Bool {
        // As part of a URL's path a single or double dot would mean another path.
        guard (1...maximumLength).contains(name.utf8.count), name != ".", name != ".." else { return false }
        return name.unicodeScalars.allSatisfy {
            $0.properties.generalCategory != .control && $0.value != 0x2028 && $0.value != 0x2029
        }
    }
}
