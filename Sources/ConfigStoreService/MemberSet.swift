import Model

/// Things that belong to another thing, which relies on knowing all of them when it is deleted or moved.
enum MemberSet {
    /// The groups and projects directly in a group.
    case children(ProjectGroupID)
    /// The tokens of a user.
    case tokens(UserID)

    var changeGroup: String {
        switch self {
        case .children(let group): "children/\(group)"
        case .tokens(let user): "tokens/\(user)"
        }
    }
}
