import Base
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Model
import ServiceKit
import WorkerClients

/// Users, their tokens, and signing in.
struct UserRoutes: Sendable {
    let configstore: ConfigStoreClient
    let sessions: Sessions

    func add(open: GatewayRoutes, required: GatewayRoutes) {
        open.post("auth/login") { request, _ in try await login(request) }
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

    private func login(_ request: Request) async throws -> Response {
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
        for cookie in try sessions.begin(for: user.id, now: Date()) {
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

    private func delete(_ context: GatewayContext) async throws -> Response {
        try Access.requireAdmin(context.caller)
        let user = try await user(context)
        try await relay(["userDoesNotExist", "userOwnsProjects"]) { try await configstore.deleteUser(user.id.text) }
        return .empty()
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
