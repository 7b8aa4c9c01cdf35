import Base
package import FoundationEssentials
import HTTPTypes
package import Hummingbird
package import Model
package import ServiceKit

/// Browser sessions: a pair of signed cookies, of which scripts can read and delete only the second one.
///
/// There is no state on the server. The session is good while both cookies are there and belong together, so that the UI ends it by
/// deleting the second.
package struct Sessions: Sendable {
    private struct Primary: Codable {
        let user: UserID
        let pair: String
    }

    private let signer: SignedValue
    private let duration: TimeInterval
    private let isSecure: Bool

    /// Makes sessions by the gateway's settings.
    package init(configuration: GatewayConfiguration) {
        signer = SignedValue(key: configuration.cookieSigningKey)
        duration = TimeInterval(configuration.sessionDuration.components.seconds)
        isSecure = !configuration.unsecureCookies
    }

    /// The cookies of a new session, as `Set-Cookie` values.
    package func begin(for user: UserID, now: Date) throws -> [String] {
        let pair = Identifier<Self>.random().text
        let expires = now.addingTimeInterval(duration)
        let primary = try signer.sign(Primary(user: user, pair: pair), purpose: "session", expires: expires)
        let secondary = try signer.sign(pair, purpose: "secondarysession", expires: expires)
        let attributes = "Path=/; Max-Age=\(Int(duration)); \(isSecure ? "Secure; " : "")SameSite=Strict"
        return [
            "\(primaryName)=\(primary); HttpOnly; \(attributes)", "\(Self.secondaryName)=\(secondary); \(attributes)",
        ]
    }

    /// The session of a request.
    /// - Returns: its user, and whether more than half of its time has gone so that it should be begun anew; nil without one.
    package func user(of request: Request, now: Date) -> (id: UserID, isAging: Bool)? {
        guard let primaryText = request.cookies[primaryName]?.value,
            let secondaryText = request.cookies[Self.secondaryName]?.value,
            let primary = signer.verify(primaryText, purpose: "session", now: now, as: Primary.self),
            let secondary = signer.verify(secondaryText, purpose: "secondarysession", now: now, as: String.self),
            ConstantTime.equal(primary.payload.pair, secondary.payload)
        else { return nil }
        return (primary.payload.user, primary.expires.timeIntervalSince(now) < duration / 2)
    }

    private var primaryName: String { isSecure ? "__Host-session" : "session" }
    private static let secondaryName = "secondarysession"
}
