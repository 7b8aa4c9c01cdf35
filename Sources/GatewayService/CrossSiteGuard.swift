import Base
import FoundationEssentials
package import HTTPTypes
import Hummingbird
package import ServiceKit

/// Keeps other sites from using a visitor's cookies: a signed cookie with a secret, and the masked secret in a header.
///
/// Every answer to a request without a token carries `X-Csrf-Token`; unsafe methods must send one back, and come from our own origin or
/// an allowed one.
package struct CrossSiteGuard: Sendable {
    /// The header of the masked secret, both ways.
    package static let header = HTTPField.Name.csrfToken

    private let signer: SignedValue
    private let isSecure: Bool
    private let allowedOrigins: Set<String>

    /// Guards by the gateway's settings.
    package init(configuration: GatewayConfiguration) {
        signer = SignedValue(key: configuration.cookieSigningKey)
        isSecure = !configuration.unsecureCookies
        // Behind a proxy that speaks https, the request itself does not show the origin that people see.
        let exposed = [configuration.apiExposedURL, configuration.webExposedURL].compactMap(Self.origin(of:))
        allowedOrigins = Set(configuration.allowedOrigins + exposed)
    }

    /// The secret of a visitor, and the cookie that has to be set when it is new.
    func secret(of request: Request, now: Date) throws -> (secret: [UInt8], newCookie: String?) {
        if let text = request.cookies[cookieName]?.value,
            let found = signer.verify(text, purpose: "csrf", now: now, as: [UInt8].self), found.payload.count == 32
        {
            return (found.payload, nil)
        }
        let secret = Self.random(32)
        let value = try signer.sign(secret, purpose: "csrf", expires: now.addingTimeInterval(365 * 86_400))
        return (secret, "\(cookieName)=\(value); Path=/; HttpOnly; \(isSecure ? "Secure; " : "")SameSite=Lax")
    }

    /// The secret under a fresh mask, so that compression cannot leak it.
    func masked(_ secret: [UInt8]) -> String {
        let pad = Self.random(32)
        return Data(pad + zip(pad, secret).map { $0 ^ $1 }).base64EncodedString()
    }

    /// Why an unsafe request must not go on; nil when it may.
    func objection(to request: Request, scheme: String, secret: [UInt8]) -> String? {
        guard ![.get, .head, .options].contains(request.method) else { return nil }
        if request.headers[.origin] != nil {
            guard !isForeign(request, scheme: scheme) else { return "origin invalid" }
        } else {
            let own = Self.ownOrigin(request, scheme)
            guard let referer = request.headers[.referer] else { return "referer not supplied" }
            let origins = allowedOrigins.union([own])
            guard origins.contains(where: { referer == $0 || referer.hasPrefix($0 + "/") }) else {
                return "referer invalid"
            }
        }
        guard let token = request.headers[Self.header], !token.isEmpty else { return "CSRF token not found in request" }
        return matches(token, secret) ? nil : "CSRF token invalid"
    }

    /// Whether a browser says that another site makes the request; other programs name no origin.
    func isForeign(_ request: Request, scheme: String) -> Bool {
        guard let origin = request.headers[.origin] else { return false }
        return origin != Self.ownOrigin(request, scheme) && !allowedOrigins.contains(origin)
    }

    private static func ownOrigin(_ request: Request, _ scheme: String) -> String {
        "\(scheme)://\(request.head.authority ?? "")"
    }

    private func matches(_ token: String, _ secret: [UInt8]) -> Bool {
        guard let bytes = Data(base64Encoded: token), bytes.count == 64 else { return false }
        let unmasked = zip(bytes.prefix(32), bytes.suffix(32)).map { $0 ^ $1 }
        return zip(unmasked, secret).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// Scheme and authority of a URL, as browsers name an origin.
    private static func origin(of url: String) -> String? {
        guard let scheme = url.firstRange(of: "://") else { return nil }
        let authority = url[scheme.upperBound...].prefix { $0 != "/" }
        return "\(url[..<scheme.upperBound])\(authority)".lowercased()
    }

    private var cookieName: String { isSecure ? "__Host-csrf" : "csrf" }

    private static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}

extension HTTPField.Name {
    static let csrfToken = literal("X-Csrf-Token")
    static let runCursor = literal("X-Agola-Cursor")

    static func literal(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is no field name") }
        return name
    }
}
