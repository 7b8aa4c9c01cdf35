public import Base
import HTTPTypes

extension Gateway {
    /// A user.
    public struct User: Codable, Sendable, Equatable {
        /// The identity.
        public var id: String
        /// The name.
        public var username: String

        /// Makes a user.
        public init(id: String, username: String) {
            self.id = id
            self.username = username
        }
    }

    private struct UserRequest: Encodable {
        var username: String
        var password: SecretValue?
        var admin: Bool?
    }

    private struct TokenRequest: Encodable {
        var token_name: String
    }

    private struct TokenAnswer: Decodable {
        var token: SecretValue
    }

    /// The caller.
    /// - Throws: ``Refusal`` in the chain.
    public func currentUser() async throws -> User {
        try await get("/user")
    }

    /// Creates a user; for admins.
    /// - Parameters:
    ///   - name: the name.
    ///   - password: the password; without one the user cannot sign in until an admin sets it.
    ///   - isAdmin: whether the user may do everything.
    /// - Returns: the user.
    /// - Throws: ``Refusal`` in the chain.
    public func createUser(_ name: String, password: SecretValue? = nil, isAdmin: Bool = false) async throws -> User {
        try await send(.post, "/users", UserRequest(username: name, password: password, admin: isAdmin ? true : nil))
    }

    /// All users by name; for admins.
    /// - Throws: ``Refusal`` in the chain.
    public func users() async throws -> [User] {
        try await list("/users")
    }

    /// Creates a token, whose value is never shown again.
    /// - Parameters:
    ///   - name: the token's name, unique for the user.
    ///   - user: the user's name or id.
    /// - Returns: the token.
    /// - Throws: ``Refusal`` in the chain.
    public func createToken(_ name: String, for user: String) async throws -> SecretValue {
        let path = "/users/\(PercentEncoding.segment(user))/tokens"
        return try await (send(.post, path, TokenRequest(token_name: name)) as TokenAnswer).token
    }
}
