import Base
import FoundationEssentials
import GitSources
import HTTPTypes
import Hummingbird
import Logging
import Model
import ServiceKit
import WorkerClients

/// Users, their tokens, and signing in.
struct UserRoutes: Sendable {
    let configstore: ConfigStoreClient
    let git: LocalGitSource
    let identity: Identity

    func add(open: GatewayRoutes, required: GatewayRoutes) {
        open.post("auth/login") { request, context in try await login(request, context) }
        required.get("user") { _, context in
            let user = try context.caller.requireUser()
            return try Response.json(PrivateUserResponse(user, tokens: try await tokens(of: user)))
        }
        required.get("users") { request, context in try await list(request, context) }
        required.post("users") { request, context in try await create(request, context) }
        required.get("users/:owner") { _, context in try Response.json(UserResponse(try await user(context))) }
        required.delete("users/:owner") { _, context in try await delete(context) }
        required.post("users/:owner/tokens") { request, context in try await createToken(request, context) }
        required.delete("users/:owner/tokens/:token") { _, context in try await deleteToken(context) }
    }

    private struct Login: Decodable {
        var remote_source_name: String?
        var login_name: String?
        var password: SecretValue?
    }

    private struct LoginResponse: Encodable {
        let oauth2_redirect = ""
        let user: UserResponse
    }

    private func login(_ request: Request, _ context: GatewayContext) async throws -> Response {
        // Nobody is to find themselves signed in as somebody else whom another site has chosen.
        guard !identity.crossSite.isForeign(request, scheme: context.scheme) else {
            throw APIError(.forbidden, code: "originInvalid", "Sign in from this installation's own pages.")
        }
        let login: Login = try await request.json()
        guard let name = login.remote_source_name, !name.isEmpty else {
            throw APIError(
                .badRequest,
                "The key remote_source_name is missing; for accounts of this server it is “local”."
            )
        }
        let source = try await relay(["remoteSourceDoesNotExist"]) { try await configstore.remoteSource(name) }
        guard source.loginEnabled else { throw APIError(.badRequest, "Signing in through “\(name)” is switched off.") }
        let user = try await relay {
            try await configstore.verifyPassword(
                name: login.login_name ?? "",
                password: login.password ?? SecretValue("")
            )
        }
        guard let user else {
            throw APIError(.unauthorized, code: "invalidCredentials", "The name or the password is wrong.")
        }
        var response = try Response.json(LoginResponse(user: UserResponse(user)), status: .created)
        for cookie in try identity.sessions.begin(for: user.id, now: Date()) {
            response.headers.append(HTTPField(name: .setCookie, value: cookie))
        }
        return response
    }

    private func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Access.requireAdmin(context.caller)
        let paging = try Paging(request, ascendingByDefault: true)
        let query = UserQuery(after: paging.cursor?.start, limit: paging.limit, ascending: paging.isAscending)
        let page = try await relay { try await configstore.users(query) }
        var users: [PrivateUserResponse] = []
        for user in page.users { users.append(PrivateUserResponse(user, tokens: try await tokens(of: user))) }
        var response = try Response.json(users)
        var cursor = ListCursor(isAscending: paging.isAscending)
        cursor.start = page.users.last?.name
        response.headers[.runCursor] = page.hasMore ? try cursor.text : ""
        return response
    }

    private struct Creation: Decodable {
        var username: String?
        var password: SecretValue?
        var admin: Bool?
    }

    private func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try Access.requireAdmin(context.caller)
        let creation: Creation = try await request.json()
        try await expectNoRepositories(of: creation.username ?? "")
        let user = try await relay(["invalidUserName", "invalidPassword", "userAlreadyExists"]) {
            try await configstore.create(
                UserCreation(
                    name: creation.username ?? "",
                    password: creation.password,
                    isAdmin: creation.admin ?? false
                )
            )
        }
        return try Response.json(UserResponse(user), status: .created)
    }

    // Repositories are their owner's by name: a new user must not come into those of a former one.
    private func expectNoRepositories(of name: String) async throws {
        let left: [String]
        do {
            left = try await relay { try await git.repositories(of: name) }
        } catch let error as APIError where [.badRequest, .notExist].contains(error.kind) {
            // Not a user's name at all, which the configstore says better.
            return
        }
        guard !left.isEmpty else { return }
        guard try await exists(name) else {
            let message = "Repositories of a former user \(name) are left. Delete that user once more to remove them."
            throw APIError(.badRequest, code: "userRepositoriesLeft", message)
        }
    }

    private func exists(_ name: String) async throws -> Bool {
        do {
            _ = try await relay { try await configstore.user(name) }
            return true
        } catch let error as APIError where error.kind == .notExist {
            return false
        }
    }

    // The user goes first, as a user with projects is refused. What a failure leaves, the same request removes when it is repeated.
    private func delete(_ context: GatewayContext) async throws -> Response {
        try Access.requireAdmin(context.caller)
        let user: User
        do {
            user = try await self.user(context)
        } catch let error as APIError where error.code == "userDoesNotExist" {
            try await deleteRepositories(of: try context.pathVariable("owner"))
            throw error
        }
        try await relay(["userDoesNotExist", "userOwnsProjects"]) { try await configstore.deleteUser(user.id.text) }
        identity.forgetAll()
        try await deleteRepositories(of: user.name)
        try await deleteRepositories(of: user.id.text)
        return .empty()
    }

    private func deleteRepositories(of owner: String) async throws {
        do {
            try await relay { try await git.deleteRepositories(of: owner) }
        } catch let error as APIError where [.badRequest, .notExist].contains(error.kind) {
            // What no user can be called owns nothing.
            Logger.current.debug("no repository owner", error: error)
        }
    }

    private struct TokenCreation: Decodable {
        var token_name: String?
    }

    private struct TokenResponse: Encodable {
        let token: SecretValue
    }

    private func createToken(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let user = try await user(context)
        try Access.requireSelf(context.caller, user)
        let creation: TokenCreation = try await request.json()
        let created = try await relay(["invalidUserTokenName", "userTokenAlreadyExists"]) {
            try await configstore.createToken(named: creation.token_name ?? "", forUser: user.id.text)
        }
        return try Response.json(TokenResponse(token: created.value), status: .created)
    }

    private func deleteToken(_ context: GatewayContext) async throws -> Response {
        let user = try await user(context)
        try Access.requireSelf(context.caller, user)
        let name = try context.pathVariable("token")
        try await relay(["userTokenDoesNotExist"]) {
            try await configstore.deleteToken(named: name, ofUser: user.id.text)
        }
        identity.forgetAll()
        return .empty()
    }

    private func user(_ context: GatewayContext) async throws -> User {
        let reference = try context.pathVariable("owner")
        return try await relay(["userDoesNotExist"]) { try await configstore.user(reference) }
    }

    private func tokens(of user: User) async throws -> [UserToken] {
        try await relay(["userDoesNotExist"]) { try await configstore.tokens(ofUser: user.id.text) }
    }
}
