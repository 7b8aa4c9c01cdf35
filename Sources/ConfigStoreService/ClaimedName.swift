import Model

/// A name that only one thing may have.
enum ClaimedName {
    /// A user's, in the installation.
    case user(String)
    /// A token's, among those of a user.
    case token(UserID, String)
    /// A project group's, in its parent.
    case group(ProjectGroupID, String)
    /// A project's, in its group.
    case project(ProjectGroupID, String)
    /// A remote source's, in the installation.
    case remoteSource(String)

    var changeGroup: String {
        switch self {
        case .user(let name): "username/\(name)"
        case .token(let user, let name): "tokenname/\(user)/\(name)"
        case .group(let parent, let name): "groupname/\(parent)/\(name)"
        case .project(let parent, let name): "projectname/\(parent)/\(name)"
        case .remoteSource(let name): "sourcename/\(name)"
        }
    }
}
