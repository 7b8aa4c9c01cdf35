import Base

/// Which passwords are accepted: long enough to resist guessing, short enough to be hashed at a known cost.
///
/// Characters are not prescribed (NIST SP 800-63B, 5.1.1.2).
enum PasswordRule {
    private static let characters = 8
    private static let bytes = 1024

    /// Refuses a new password that breaks the rule.
    /// - Throws: ``APIError`` with code `invalidPassword`.
    static func check(_ password: SecretValue) throws {
        guard password.revealed.count >= characters, mayMatch(password) else {
            throw APIError(
                .badRequest,
                code: "invalidPassword",
                "A password has at least \(characters) characters and at most \(bytes) bytes."
            )
        }
    }

    /// Whether `password` can be anybody's at all.
    static func mayMatch(_ password: SecretValue) -> Bool {
        (1...bytes).contains(password.revealed.utf8.count)
    }
}
