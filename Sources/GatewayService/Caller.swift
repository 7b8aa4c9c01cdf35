import Base
package import Model

/// Who makes a request.
package struct Caller: Sendable, Equatable {
    /// The user; nil for anonymous callers and for the installation's admin token.
    package let user: User?
    /// Whether the caller may do everything.
    package let isAdmin: Bool
    /// Whether a token proved it, so that no cookie can have been abused.
    package let usedToken: Bool

    /// Nobody in particular.
    package static let anonymous = Caller(user: nil, isAdmin: false, usedToken: false)

    /// Describes a caller.
    package init(user: User?, isAdmin: Bool, usedToken: Bool) {
        self.user = user
        self.isAdmin = isAdmin
        self.usedToken = usedToken
    }

    /// Whether the caller proved anything at all.
    package var isAuthenticated: Bool { user != nil || isAdmin }

    /// The user that the caller is.
    /// - Throws: ``APIError`` of kind `forbidden` for the installation's admin token, which is nobody.
    package func requireUser() throws -> User {
        guard let user else {
            throw APIError(.forbidden, code: "userRequired", "This needs a user; the admin token is not one.")
        }
        return user
    }
}
