public import Base

/// Identifies a project group.
public typealias ProjectGroupID = Identifier<ProjectGroup>
/// Identifies a project.
public typealias ProjectID = Identifier<Project>

/// Who may see something.
public enum Visibility: String, Codable, Sendable, CaseIterable {
    /// Everybody.
    case `public`
    /// Its owner and members of its organization.
    case `private`
}

/// Who owns a group or project: whoever stands at the top of its path.
public enum Owner: Hashable, Sendable, Codable {
    /// A user.
    case user(UserID)
}

/// A folder of projects; every user has one root group with an empty name.
public struct ProjectGroup: Codable, Sendable, Equatable {
    /// The group's identity.
    public var id: ProjectGroupID
    /// The name within the parent; empty for a root group.
    public var name: String
    /// The group above; nil for a root group.
    public var parent: ProjectGroupID?
    /// Who owns it.
    public var owner: Owner
    /// Its own visibility.
    public var visibility: Visibility

    /// Makes a group.
    public init(id: ProjectGroupID, name: String, parent: ProjectGroupID?, owner: Owner, visibility: Visibility) {
        self.id = id
        self.name = name
        self.parent = parent
        self.owner = owner
        self.visibility = visibility
    }
}

/// A repository whose commits become runs.
public struct Project: Codable, Sendable, Equatable {
    /// The project's identity.
    public var id: ProjectID
    /// The name within the parent.
    public var name: String
    /// The group it lies in.
    public var parent: ProjectGroupID
    /// Who owns it.
    public var owner: Owner
    /// Its own visibility.
    public var visibility: Visibility
    /// The name of the remote source that hosts the repository.
    public var remoteSource: String
    /// The repository's path at the remote source: `<owner>/<name>`.
    public var repositoryPath: String
    /// The branch shown first.
    public var defaultBranch: String
    /// Signs the webhooks that announce pushes to the repository.
    public var webhookSecret: SecretValue
    /// Whether members who are not owners may restart, cancel and stop runs.
    public var membersCanPerformRunActions: Bool
    /// Whether runs of pull requests from forks get variables.
    public var passVariablesToForkedPullRequests: Bool

    /// Makes a project with the usual settings.
    public init(
        id: ProjectID,
        name: String,
        parent: ProjectGroupID,
        owner: Owner,
        visibility: Visibility,
        remoteSource: String,
        repositoryPath: String,
        webhookSecret: SecretValue
    ) {
        self.id = id
        self.name = name
        self.parent = parent
        self.owner = owner
        self.visibility = visibility
        self.remoteSource = remoteSource
        self.repositoryPath = repositoryPath
        defaultBranch = "main"
        self.webhookSecret = webhookSecret
        membersCanPerformRunActions = false
        passVariablesToForkedPullRequests = false
    }
}

/// A group with what follows from its place in the tree.
public struct PlacedProjectGroup: Codable, Sendable, Equatable {
    /// The group.
    public var group: ProjectGroup
    /// The path by names: `user/<username>[/<group>…]`.
    public var path: String
    /// The path of the group above; a root group's own path.
    public var parentPath: String
    /// Private if the group or anything above it is.
    public var globalVisibility: Visibility

    /// Places a group.
    public init(group: ProjectGroup, path: String, parentPath: String, globalVisibility: Visibility) {
        self.group = group
        self.path = path
        self.parentPath = parentPath
        self.globalVisibility = globalVisibility
    }
}

/// A project with what follows from its place in the tree.
public struct PlacedProject: Codable, Sendable, Equatable {
    /// The project.
    public var project: Project
    /// The path by names: `user/<username>[/<group>…]/<project>`.
    public var path: String
    /// The path of the group it lies in.
    public var parentPath: String
    /// Private if the project or anything above it is.
    public var globalVisibility: Visibility

    /// Places a project.
    public init(project: Project, path: String, parentPath: String, globalVisibility: Visibility) {
        self.project = project
        self.path = path
        self.parentPath = parentPath
        self.globalVisibility = globalVisibility
    }
}
