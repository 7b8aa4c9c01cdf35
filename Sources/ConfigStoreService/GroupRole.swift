import Base

/// Why a group is looked for, which decides what a person is told when it is not there.
enum GroupRole {
    /// The group itself is asked for.
    case subject
    /// Something shall be put into it.
    case parent

    func missing() -> APIError {
        switch self {
        case .subject:
            APIError(.notExist, code: "projectGroupDoesNotExist", "There is no such project group.")
        case .parent:
            APIError(
                .notExist,
                code: "parentProjectGroupDoesNotExist",
                "The project group it shall lie in does not exist."
            )
        }
    }
}
