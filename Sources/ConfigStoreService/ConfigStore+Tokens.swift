import Base
import FoundationEssentials
import Model

extension ConfigStore {
    /// Creates an API token; its value is in the answer and never again.
    func createToken(_ creation: UserTokenCreation, forUser reference: String) async throws -> CreatedUserToken {
        guard TokenName.isValid(creation.name) else {
            throw APIError(.badRequest, code: "invalidUserTokenName", TokenName.rule)
        }
        let (id, value, createdAt) = (UserTokenID.random(), TokenValue.random(), Date.now)
        return try await change("create a token for user \(reference)") { change in
            let user = try change.view.requiredUser(reference)
            change.expectUnchanged(user)
            try change.claim(.token(user.value.id, creation.name))
            guard try change.view.token(of: user.value.id, named: creation.name) == nil else {
                throw APIError(
                    .badRequest,
                    code: "userTokenAlreadyExists",
                    "The user has a token of this name already."
                )
            }
            let token = UserToken(id: id, user: user.value.id, name: creation.name, createdAt: createdAt)
            try change.insert(StoredToken(token: token, hash: TokenValue.hash(value)))
            change.addMember(to: .tokens(user.value.id))
            return CreatedUserToken(token: token, value: value)
        }
    }

    /// The tokens of a user in the order of their names.
    func tokens(ofUser reference: String) async throws -> [UserToken] {
        try await read("list the tokens of user \(reference)") { view in
            try view.tokens(of: try view.requiredUser(reference).value.id).map(\.value.token)
        }
    }

    /// Deletes a user's token.
    func deleteToken(named name: String, ofUser reference: String) async throws {
        try await change("delete a token of user \(reference)") { change in
            let user = try change.view.requiredUser(reference)
            guard let token = try change.view.token(of: user.value.id, named: name) else {
                throw APIError(.notExist, code: "userTokenDoesNotExist", "The user has no token of this name.")
            }
            change.delete(token)
        }
    }

    /// The user whose token has a value.
    /// - Throws: ``APIError`` of kind unauthorized when no token has.
    func user(forToken value: SecretValue) async throws -> User {
        // Found by its hash: what the time of the look-up tells about a hash helps nobody to find a value for it.
        let hash = TokenValue.hash(value)
        return try await read("look up a token") { view in
            guard let stored = try view.token(hash: hash),
                let user: Entry<User> = try view.entry(id: stored.value.token.user.text)
            else {
                throw APIError(
                    .unauthorized,
                    code: "invalidCredentials",
                    "This token is not known; it may have been deleted."
                )
            }
            return user.value
        }
    }
}
