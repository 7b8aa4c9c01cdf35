import Base
import Crypto
import FoundationEssentials

/// Text that only this installation can have made: JSON with an expiry, signed by HMAC-SHA256.
///
/// `base64url(JSON).base64url(HMAC(key, purpose | JSON))`. The purpose keeps a cookie from being taken for a clone token. Anybody can
/// read the payload: nothing secret goes in.
struct SignedValue: Sendable {
    private let key: SymmetricKey

    init(key: SecretValue) {
        self.key = SymmetricKey(data: Data(key.revealed.utf8))
    }

    private struct Envelope<Payload: Codable>: Codable {
        let payload: Payload
        let expires: Date
    }

    func sign<Payload: Codable>(_ payload: Payload, purpose: String, expires: Date) throws -> String {
        let data = try JSONCoding.encode(Envelope(payload: payload, expires: expires))
        return "\(Base64URL.encode(data)).\(Base64URL.encode(Data(mac(of: data, purpose))))"
    }

    /// The payload and its expiry; nil when the text was not made by us, was made for something else, or has expired.
    func verify<Payload: Codable>(
        _ text: String,
        purpose: String,
        now: Date,
        as type: Payload.Type = Payload.self
    ) -> (payload: Payload, expires: Date)? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard text.utf8.count <= 4_096, parts.count == 2, let data = Base64URL.decode(parts[0]),
            let given = Base64URL.decode(parts[1]),
            HMAC<SHA256>.isValidAuthenticationCode(given, authenticating: Self.message(data, purpose), using: key),
            // What we signed we can read; a payload of an older version counts as not signed at all.
            let envelope = try? JSONCoding.decode(Envelope<Payload>.self, from: data), envelope.expires > now
        else { return nil }
        return (envelope.payload, envelope.expires)
    }

    private func mac(of data: Data, _ purpose: String) -> HMAC<SHA256>.MAC {
        HMAC<SHA256>.authenticationCode(for: Self.message(data, purpose), using: key)
    }

    private static func message(_ data: Data, _ purpose: String) -> Data {
        Data("\(purpose)|".utf8) + data
    }
}

/// Base64 with the URL alphabet and without padding (RFC 4648, section 5).
enum Base64URL {
    static func encode(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    static func decode(_ text: some StringProtocol) -> Data? {
        let standard = String(text).replacing("-", with: "+").replacing("_", with: "/")
        return Data(base64Encoded: standard + String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4))
    }
}
