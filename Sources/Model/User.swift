public import Base
public import FoundationEssentials

/// Identifies a user.
public typealias UserID = Identifier<User>

/// A person or program that signs in.
public struct User: Codable, Sendable, Equatable {
    /// The user's identity.
    public var id: UserID
    /// The name in paths; unique.
    public var name: String
    /// Whether the user may do everything.
    public var isAdmin: Bool
    /// When the user was created.
    public var createdAt: Date

    /// Makes a user.
    public init(id: UserID, name: String, isAdmin: Bool, createdAt: Date) {
        self.id = id
        self.name = name
        self.isAdmin = isAdmin
        self.createdAt = createdAt
    }
}

/// Identifies an API token.
public typealias UserTokenID = Identifier<UserToken>

/// A token's place in the list of its user; the value itself is only stored as a hash.
public struct UserToken: Codable, Sendable, Equatable {
    /// The token's identity.
    public var id: UserTokenID
    /// The owner.
    public var user: UserID
    /// The name; unique for the user.
    public var name: String
    /// When the token was created.
    public var createdAt: Date

    /// Makes a token's entry.
    public init(id: UserTokenID, user: UserID, name: String, createdAt: Date) {
        self.id = id
        self.user = user
        self.name = name
        self.createdAt = createdAt
    }
}
