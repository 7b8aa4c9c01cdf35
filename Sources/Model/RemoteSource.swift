public import Base

/// Identifies a remote source.
public typealias RemoteSourceID = Identifier<RemoteSource>

/// A place that hosts repositories and knows accounts.
public struct RemoteSource: Codable, Sendable, Equatable {
    /// The kind of a remote source.
    public enum Kind: String, Codable, Sendable {
        /// Martlet's own git server and accounts.
        case local
    }

    /// How people prove who they are.
    public enum Authentication: String, Codable, Sendable {
        /// By a password given to Martlet.
        case password
    }

    /// The remote source's identity.
    public var id: RemoteSourceID
    /// The name; unique.
    public var name: String
    /// The kind.
    public var kind: Kind
    /// How people prove who they are.
    public var authentication: Authentication
    /// Whether people may make themselves an account.
    public var registrationEnabled: Bool
    /// Whether people may sign in with an account of this source.
    public var loginEnabled: Bool

    /// Makes a remote source.
    public init(
        id: RemoteSourceID,
        name: String,
        kind: Kind,
        authentication: Authentication,
        registrationEnabled: Bool,
        loginEnabled: Bool
    ) {
        self.id = id
        self.name = name
        self.kind = kind
        self.authentication = authentication
        self.registrationEnabled = registrationEnabled
        self.loginEnabled = loginEnabled
    }
}
