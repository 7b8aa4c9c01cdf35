import Crypto
import Base

/// The value of an API token: 256 random bits that are shown once, and the hash that is kept.
///
/// A plain hash is enough here: unlike a password, 256 random bits cannot be guessed, so that nothing is won by slowness.
enum TokenValue {
    /// Lets people and secret scanners recognise a token that leaked.
    private static let prefix = "martlet_"

    /// Makes a new value.
    static func random() -> SecretValue {
        SecretValue(prefix + HexText.random(bytes: 32))
    }

    /// What is stored of a value, and looked up by: SHA-256 in hexadecimal digits.
    static func hash(_ value: SecretValue) -> String {
        HexText.text(SHA256.hash(data: Array(value.revealed.utf8)))
    }
}
