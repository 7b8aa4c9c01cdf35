import Base
package import FoundationEssentials
import HTTPTypes
package import Hummingbird
import Model
package import ServiceKit
package import WorkerClients
import NIOCore

/// Finds out who asks, by token first and cookie second, and guards cookies against other sites.
package struct AuthenticationMiddleware: RouterMiddleware {
    /// Whether a route needs to know who asks.
    package enum Mode: Sendable {
        /// Anybody may ask; a wrong token is refused all the same.
        case optional
        /// Nobody may ask without proof.
        case required
    }

    private let mode: Mode
    private let identity: Identity
    private let now: @Sendable () -> Date

    /// Makes the middleware of one mode.
    package init(_ mode: Mode, identity: Identity, now: @escaping @Sendable () -> Date = { Date() }) {
        self.mode = mode
        self.identity = identity
        self.now = now
    }

    /// Sets the context's caller, or refuses.
    package func handle(
        _ request: Request,
        context: GatewayContext,
        next: @concurrent (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        let found = try await identity.caller(of: request, now: now())
        if mode == .required, !found.caller.isAuthenticated {
            throw APIError(.unauthorized, code: "unauthorized", "Sign in first, or send a valid token.")
        }
        var context = context
        context.caller = found.caller
        guard !found.caller.usedToken else { return try await next(request, context) }
        var response = try await guarded(request, context, next)
        for cookie in found.newCookies { response.headers.append(HTTPField(name: .setCookie, value: cookie)) }
        return response
    }

    private func guarded(
        _ request: Request,
        _ context: GatewayContext,
        _ next: @concurrent (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        let crossSite = identity.crossSite
        let (secret, newCookie) = try crossSite.secret(of: request, now: now())
        var response: Response
        if let reason = crossSite.objection(to: request, scheme: context.scheme, secret: secret) {
            response = Self.forbidden(reason)
        } else {
            response = try await next(request, context)
        }
        response.headers[CrossSiteGuard.header] = crossSite.masked(secret)
        response.headers.append(HTTPField(name: .vary, value: "Cookie"))
        if let newCookie { response.headers.append(HTTPField(name: .setCookie, value: newCookie)) }
        return response
    }

    private static func forbidden(_ reason: String) -> Response {
        Response(
            status: .forbidden,
            headers: [.contentType: "text/plain; charset=utf-8", .xContentTypeOptions: "nosniff"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: "Forbidden - \(reason)\n"))
        )
    }
}

/// The ways to prove who one is.
package struct Identity: Sendable {
    private let configstore: ConfigStoreClient
    private let adminToken: SecretValue?
    private let known = CredentialCache()
    let sessions: Sessions
    let crossSite: CrossSiteGuard

    /// Knows users through the configstore.
    package init(configuration: GatewayConfiguration, configstore: ConfigStoreClient) {
        self.configstore = configstore
        adminToken = configuration.adminToken
        sessions = Sessions(configuration: configuration)
        crossSite = CrossSiteGuard(configuration: configuration)
    }

    func caller(of request: Request, now: Date) async throws -> (caller: Caller, newCookies: [String]) {
        if let token = AuthorizationHeader.token(in: request.headers[.authorization]) {
            return (try await caller(withToken: token), [])
        }
        guard let session = sessions.user(of: request, now: now) else { return (.anonymous, []) }
        let user = try await sessionUser(session.id)
        let cookies = session.isAging ? try sessions.begin(for: user.id, now: now) : []
        return (Caller(user: user, isAdmin: user.isAdmin, usedToken: false), cookies)
    }

    /// The user of a name and a password or token, for git.
    func user(name: String, secret: String) async throws -> User? {
        if let user = try await tokenUser(secret) { return user.name == name ? user : nil }
        return try await known.value(for: .password(secret, ofUser: name)) {
            try await ask { try await configstore.verifyPassword(name: name, password: SecretValue(secret)) }
        }
    }

    /// Looks everybody up again, because a token or a user was deleted.
    func forgetAll() {
        known.forgetAll()
    }

    func isAdminToken(_ token: String) -> Bool {
        guard let adminToken else { return false }
        return ConstantTime.equal(token, adminToken.revealed)
    }

    private func caller(withToken token: String) async throws -> Caller {
        if isAdminToken(token) { return Caller(user: nil, isAdmin: true, usedToken: true) }
        guard let user = try await tokenUser(token) else {
            throw APIError(.unauthorized, code: "invalidToken", "The token is not valid. Create a new one.")
        }
        return Caller(user: user, isAdmin: user.isAdmin, usedToken: true)
    }

    private func tokenUser(_ token: String) async throws -> User? {
        try await known.value(for: .token(token)) {
            try await ask { try await configstore.user(forToken: SecretValue(token)) }
        }
    }

    private func ask<Value>(_ codes: Set<String> = [], _ call: () async throws -> Value) async throws -> Value {
        do {
            return try await relay(codes, call)
        } catch let error as APIError where error.code == Relay.maintenance {
            let message = "The configstore is in maintenance: until that ends, only the gateway's admin token is known."
            throw APIError(.unavailable, code: error.code, message, cause: error)
        }
    }

    private func sessionUser(_ id: UserID) async throws -> User {
        do {
            let user = try await known.value(for: .session(id)) {
                try await ask(["userDoesNotExist"]) { try await configstore.user(id) }
            }
            if let user { return user }
        } catch let error as APIError where error.kind == .notExist {
            // A session may outlive its user.
        }
        throw APIError(.unauthorized, code: "unauthorized", "The user of this session does not exist any more.")
    }
}
