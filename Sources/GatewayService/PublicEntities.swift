import Base
import Model

/// A user, as the public API shows it.
struct UserResponse: Encodable {
    let id: UserID
    let username: String

    init(_ user: User) {
        id = user.id
        username = user.name
    }
}

/// The caller, or a user shown to an administrator.
struct PrivateUserResponse: Encodable {
    let id: UserID
    let username: String
    let tokens: [String]
    let linkedAccounts: [String]

    enum CodingKeys: String, CodingKey {
        case id, username, tokens
        case linkedAccounts = "linked_accounts"
    }

    init(_ user: User, tokens: [UserToken]) {
        id = user.id
        username = user.name
        self.tokens = tokens.map(\.name).sorted()
        linkedAccounts = []
    }
}

/// A project group, as the public API shows it.
struct ProjectGroupResponse: Encodable {
    let id: ProjectGroupID
    let name: String
    let path: String
    let parentPath: String
    let visibility: Visibility
    let globalVisibility: Visibility

    enum CodingKeys: String, CodingKey {
        case id, name, path, visibility
        case parentPath = "parent_path"
        case globalVisibility = "global_visibility"
    }

    init(_ placed: PlacedProjectGroup) {
        id = placed.group.id
        name = placed.group.name
        path = placed.path
        parentPath = placed.parentPath
        visibility = placed.group.visibility
        globalVisibility = placed.globalVisibility
    }
}

/// A project, as the public API shows it; flags that are off are left out.
struct ProjectResponse: Encodable {
    let id: ProjectID
    let name: String
    let path: String
    let parentPath: String
    let visibility: Visibility
    let globalVisibility: Visibility
    let passVariablesToForkedPullRequests: Bool?
    let defaultBranch: String
    let membersCanPerformRunActions: Bool?
    /// Our own addition: where to push to; only for those who may.
    let cloneURL: String?

    enum CodingKeys: String, CodingKey {
        case id, name, path, visibility
        case parentPath = "parent_path"
        case globalVisibility = "global_visibility"
        case passVariablesToForkedPullRequests = "pass_vars_to_forked_pr"
        case defaultBranch = "default_branch"
        case membersCanPerformRunActions = "members_can_perform_run_actions"
        case cloneURL = "clone_url"
    }

    init(_ placed: PlacedProject, cloneURL: String? = nil) {
        let project = placed.project
        id = project.id
        name = project.name
        path = placed.path
        parentPath = placed.parentPath
        visibility = project.visibility
        globalVisibility = placed.globalVisibility
        passVariablesToForkedPullRequests = project.passVariablesToForkedPullRequests ? true : nil
        defaultBranch = project.defaultBranch
        membersCanPerformRunActions = project.membersCanPerformRunActions ? true : nil
        self.cloneURL = cloneURL
    }
}

/// A remote source, as the public API shows it.
struct RemoteSourceResponse: Encodable {
    let id: RemoteSourceID
    let name: String
    let authType: RemoteSource.Authentication
    let registrationEnabled: Bool
    let loginEnabled: Bool

    enum CodingKeys: String, CodingKey {
        case id, name
        case authType = "auth_type"
        case registrationEnabled = "registration_enabled"
        case loginEnabled = "login_enabled"
    }

    init(_ source: RemoteSource) {
        id = source.id
        name = source.name
        authType = source.authentication
        registrationEnabled = source.registrationEnabled
        loginEnabled = source.loginEnabled
    }
}
