import Model

/// What an export of the configstore says of users.
struct ExportedAccounts {
    private struct StoredToken: Decodable {
        let token: UserToken
    }

    private let users: [String: UserID]
    private let tokens: [UserID: [String]]
    private let projects: [Owner: [Project]]

    init(_ export: ArrivedExport) throws {
        let users = try export.records("user", as: User.self).map(\.value)
        self.users = Dictionary(users.map { ($0.name, $0.id) }) { $1 }
        let tokens = try export.records("usertoken", as: StoredToken.self).map(\.value.token)
        self.tokens = Dictionary(grouping: tokens, by: \.user).mapValues { $0.map(\.name) }
        projects = Dictionary(grouping: try export.records("project", as: Project.self).map(\.value), by: \.owner)
    }

    /// The user of that name, with what belongs to it.
    subscript(name: String) -> AccountWorkload.Reading {
        guard let id = users[name] else { return AccountWorkload.Reading() }
        let own = (projects[.user(id)] ?? []).map { ($0.name, $0.visibility) }
        return AccountWorkload.Reading(
            exists: true,
            tokens: Set(tokens[id] ?? []),
            projects: Dictionary(own) { $1 }
        )
    }
}
