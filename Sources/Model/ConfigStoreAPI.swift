public import Base

/// A request to create a user together with the user's root project group.
public struct UserCreation: Codable, Sendable, Equatable {
    /// The name; unique.
    public var name: String
    /// What the user signs in with; nil for a user who can only use tokens until a password is set.
    public var password: SecretValue?
    /// Whether the user may do everything.
    public var isAdmin: Bool

    /// Makes a request.
    public init(name: String, password: SecretValue? = nil, isAdmin: Bool = false) {
        self.name = name
        self.password = password
        self.isAdmin = isAdmin
    }
}

/// A page of users, ordered by name.
public struct UserPage: Codable, Sendable, Equatable {
    /// The users, in the order asked for.
    public var users: [User]
    /// Whether more follow.
    public var hasMore: Bool

    /// Makes a page.
    public init(users: [User], hasMore: Bool) {
        self.users = users
        self.hasMore = hasMore
    }
}

/// Which users to list.
public struct UserQuery: Sendable, Equatable {
    /// Only users beyond this name, exclusive.
    public var after: String?
    /// The most users to list; 0 for all.
    public var limit: Int
    /// Whether the first name comes first.
    public var ascending: Bool

    /// Makes a query.
    public init(after: String? = nil, limit: Int = 30, ascending: Bool = true) {
        self.after = after
        self.limit = limit
        self.ascending = ascending
    }
}

/// A name and a password, to be checked; they travel in a body and never in a URL.
public struct PasswordCheck: Codable, Sendable, Equatable {
    /// The user's name.
    public var name: String
    /// The password as typed.
    public var password: SecretValue

    /// Makes a check.
    public init(name: String, password: SecretValue) {
        self.name = name
        self.password = password
    }
}

/// A request to give a user a new password.
public struct PasswordChange: Codable, Sendable, Equatable {
    /// The new password.
    public var password: SecretValue

    /// Makes a request.
    public init(password: SecretValue) {
        self.password = password
    }
}

/// A request to create an API token.
public struct UserTokenCreation: Codable, Sendable, Equatable {
    /// The name; unique for the user.
    public var name: String

    /// Makes a request.
    public init(name: String) {
        self.name = name
    }
}

/// A new token with its value, which is shown this one time.
public struct CreatedUserToken: Codable, Sendable, Equatable {
    /// The token's place in the list of its user.
    public var token: UserToken
    /// What requests are signed with; only its hash is kept.
    public var value: SecretValue

    /// Pairs the two.
    public init(token: UserToken, value: SecretValue) {
        self.token = token
        self.value = value
    }
}

/// A token's value, to be checked; it travels in a body and never in a URL.
public struct TokenCheck: Codable, Sendable, Equatable {
    /// The value that was shown when the token was created.
    public var value: SecretValue

    /// Makes a check.
    public init(value: SecretValue) {
        self.value = value
    }
}

/// A request to create a project group below another one.
public struct ProjectGroupCreation: Codable, Sendable, Equatable {
    /// The name; unique among the groups of the parent.
    public var name: String
    /// The id or path of the group above.
    public var parent: String
    /// The group's own visibility.
    public var visibility: Visibility

    /// Makes a request.
    public init(name: String, parent: String, visibility: Visibility) {
        self.name = name
        self.parent = parent
        self.visibility = visibility
    }
}

/// A request to change a project group; nil leaves a property as it is.
public struct ProjectGroupUpdate: Codable, Sendable, Equatable {
    /// The new name.
    public var name: String?
    /// The id or path of the group to move to.
    public var parent: String?
    /// The new visibility.
    public var visibility: Visibility?

    /// Makes a request.
    public init(name: String? = nil, parent: String? = nil, visibility: Visibility? = nil) {
        self.name = name
        self.parent = parent
        self.visibility = visibility
    }
}

/// A request to create a project.
public struct ProjectCreation: Codable, Sendable, Equatable {
    /// The name; unique among the projects of the parent.
    public var name: String
    /// The id or path of the group the project shall lie in.
    public var parent: String
    /// The project's own visibility.
    public var visibility: Visibility
    /// The id or name of the remote source that hosts the repository.
    public var remoteSource: String
    /// The repository's path at the remote source: `<owner>/<name>`.
    public var repositoryPath: String
    /// The branch shown first; nil for `main`.
    public var defaultBranch: String?
    /// Whether members who are not owners may restart, cancel and stop runs.
    public var membersCanPerformRunActions: Bool
    /// Whether runs of pull requests from forks get variables.
    public var passVariablesToForkedPullRequests: Bool

    /// Makes a request.
    public init(
        name: String,
        parent: String,
        visibility: Visibility,
        remoteSource: String,
        repositoryPath: String,
        defaultBranch: String? = nil,
        membersCanPerformRunActions: Bool = false,
        passVariablesToForkedPullRequests: Bool = false
    ) {
        self.name = name
        self.parent = parent
        self.visibility = visibility
        self.remoteSource = remoteSource
        self.repositoryPath = repositoryPath
        self.defaultBranch = defaultBranch
        self.membersCanPerformRunActions = membersCanPerformRunActions
        self.passVariablesToForkedPullRequests = passVariablesToForkedPullRequests
    }
}

/// A request to change a project; nil leaves a property as it is.
public struct ProjectUpdate: Codable, Sendable, Equatable {
    /// The new name.
    public var name: String?
    /// The id or path of the group to move to.
    public var parent: String?
    /// The new visibility.
    public var visibility: Visibility?
    /// The new branch shown first.
    public var defaultBranch: String?
    /// Whether members who are not owners may restart, cancel and stop runs.
    public var membersCanPerformRunActions: Bool?
    /// Whether runs of pull requests from forks get variables.
    public var passVariablesToForkedPullRequests: Bool?

    /// Makes a request.
    public init(
        name: String? = nil,
        parent: String? = nil,
        visibility: Visibility? = nil,
        defaultBranch: String? = nil,
        membersCanPerformRunActions: Bool? = nil,
        passVariablesToForkedPullRequests: Bool? = nil
    ) {
        self.name = name
        self.parent = parent
        self.visibility = visibility
        self.defaultBranch = defaultBranch
        self.membersCanPerformRunActions = membersCanPerformRunActions
        self.passVariablesToForkedPullRequests = passVariablesToForkedPullRequests
    }
}
