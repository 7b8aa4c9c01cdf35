import Base
package import Model

/// The rules of who may see and do what; pure.
package enum Access {
    /// Whether the caller may see a thing of the given visibility.
    package static func sees(_ caller: Caller, _ visibility: Visibility, of owner: Owner) -> Bool {
        visibility == .public || owns(caller, owner)
    }

    /// Whether the caller may change a thing of the owner's.
    package static func owns(_ caller: Caller, _ owner: Owner) -> Bool {
        if caller.isAdmin { return true }
        switch owner {
        case .user(let id): return caller.user?.id == id
        }
    }

    /// Refuses callers who may not see the thing.
    /// - Throws: ``APIError`` of kind `forbidden`.
    package static func requireSight(_ caller: Caller, _ visibility: Visibility, of owner: Owner) throws {
        guard sees(caller, visibility, of: owner) else {
            throw APIError(.forbidden, "This is private. Sign in as its owner to see it.")
        }
    }

    /// Refuses callers who may not change the thing.
    /// - Throws: ``APIError`` of kind `forbidden`.
    package static func requireOwner(_ caller: Caller, of owner: Owner) throws {
        guard owns(caller, owner) else { throw APIError(.forbidden, "Only the owner may do this.") }
    }

    /// Refuses callers who are not administrators.
    /// - Throws: ``APIError`` of kind `forbidden`.
    package static func requireAdmin(_ caller: Caller) throws {
        guard caller.isAdmin else { throw APIError(.forbidden, "Only an administrator may do this.") }
    }

    /// Refuses callers who are neither the user nor an administrator.
    /// - Throws: ``APIError`` of kind `badRequest`, which existing clients expect here.
    package static func requireSelf(_ caller: Caller, _ user: User) throws {
        guard caller.isAdmin || caller.user?.id == user.id else {
            throw APIError(.badRequest, "Only the user or an administrator may do this.")
        }
    }
}
