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
                "A password has at least \(characters) characters, at most \(bytes) bytes, and no zero bytes."
            )
        }
    }

    /// Whether `password` can be anybody's at all.
    static func mayMatch(_ password: SecretValue) -> Bool {
        // HMAC, which scrypt is built on, cannot tell a password from the same one with zero bytes appended (RFC 2104, 2).
        (1...bytes).contains(password.revealed.utf8.count) && !password.revealed.utf8.contains(0)
    }
}
