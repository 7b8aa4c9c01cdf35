public import Base
import FoundationEssentials
import HTTPTransport
import HTTPTypes

extension Gateway {
    /// A session, as a browser holds it.
    public struct Session: Sendable {
        /// The cookies by name.
        public internal(set) var cookies: [String: SecretValue]
        /// What proves that a request comes from the one who got the cookies; needed to change anything.
        public internal(set) var csrfToken: SecretValue?

        mutating func take(_ headers: HTTPFields) {
            for text in headers[values: .setCookie] {
                let pair = text.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
                if pair.count == 2 { cookies[String(pair[0])] = SecretValue(String(pair[1])) }
            }
            if let token = headers[.csrfToken], !token.isEmpty { csrfToken = SecretValue(token) }
        }
    }

    private struct SignInRequest: Encodable {
        var remote_source_name: String
        var login_name: String
        var password: SecretValue
    }

    private struct SignInAnswer: Decodable {
        var oauth2_redirect: String?
    }

    /// Signs in with a password.
    /// - Parameters:
    ///   - name: the account's name at the remote source.
    ///   - password: its password.
    ///   - remoteSource: where the account is; `local` for accounts of the server itself.
    /// - Returns: the same server, with a session that may read and change.
    /// - Throws: ``Refusal`` when name or password are wrong, `Failure` when the account signs in by browser only.
    public func signedIn(as name: String, password: SecretValue, remoteSource: String = "local") async throws -> Gateway
    {
        let request = SignInRequest(remote_source_name: remoteSource, login_name: name, password: password)
        let reply = try await exchange(.post, "/auth/login", body: try JSONCoding.encode(request))
        let answer = try JSONCoding.decode(SignInAnswer.self, from: try await reply.collect())
        guard answer.oauth2_redirect?.isEmpty ?? true else {
            throw Failure("accounts of \(remoteSource) sign in by browser: create a token in the web UI and use that")
        }
        var session = Session(cookies: [:])
        session.take(reply.headers)
        // The first reading request brings the secret that changing requests must show.
        session.take(try await authenticated(by: .session(session)).exchange(.get, "/user").headers)
        return try authenticated(by: .session(session))
    }
}
