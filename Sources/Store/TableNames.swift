/// Other names for some tables in the statements that use them, so that tables can be derived beside those in use.
///
/// Belongs to one transaction.
final class TableNames {
    private let names: [String: String]
    private var translations: [String: String] = [:]

    /// Makes the translation from old names to new ones.
    init(_ names: [String: String]) {
        self.names = names
    }

    /// The statement with the new names.
    ///
    /// Values are bound in our statements, so that every word outside quotes is a name.
    func translate(_ sql: String) -> String {
        if let known = translations[sql] { return known }
        var result = ""
        var word = ""
        var isQuoted = false
        for character in sql {
            if !isQuoted, character == "_" || character.isLetter || character.isNumber {
                word.append(character)
                continue
            }
            result += names[word] ?? word
            word = ""
            if character == "'" { isQuoted.toggle() }
            result.append(character)
        }
        result += names[word] ?? word
        translations[sql] = result
        return result
    }
}
