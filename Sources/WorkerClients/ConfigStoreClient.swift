public import Base
import HTTPTypes
public import Model

/// The configstore, as the gateway and the programs that set up an installation call it.
///
/// References of users and remote sources are ids or names; those of project groups and projects are ids or paths such as
/// `user/alice/tools`. Refusals arrive as ``RemoteError`` in the chain of the error that is thrown.
public struct ConfigStoreClient: Sendable {
    private let connection: ServiceConnection

    /// Calls over a connection.
    public init(connection: ServiceConnection) {
        self.connection = connection
    }
}

// MARK: - Users

extension ConfigStoreClient {
    /// Creates a user together with the user's root project group.
    /// - Throws: ``RemoteError`` with code `invalidUserName`, `invalidPassword` or `userAlreadyExists`.
    public func create(_ creation: UserCreation) async throws -> User {
        try await connection.send(.post, "\(Self.base)/users", creation)
    }

    /// A user by id or name.
    /// - Throws: ``RemoteError`` with code `userDoesNotExist`.
    public func user(_ reference: String) async throws -> User {
        try await connection.get(Self.user(reference))
    }

    /// A user by identity.
    /// - Throws: ``RemoteError`` with code `userDoesNotExist`.
    public func user(_ id: UserID) async throws -> User {
        try await user(id.text)
    }

    /// Lists users in the order of their names.
    /// - Throws: ``RemoteError`` with code `invalidLimit`.
    public func users(_ query: UserQuery = UserQuery()) async throws -> UserPage {
        var pairs = [("limit", String(query.limit)), ("sortdirection", query.ascending ? "asc" : "desc")]
        if let after = query.after { pairs.append(("after", after)) }
        return try await connection.get("\(Self.base)/users", query: pairs)
    }

    /// Deletes a user with tokens and password; one that owns project groups or projects is kept.
    /// - Throws: ``RemoteError`` with code `userDoesNotExist` or `userOwnsProjects`.
    public func deleteUser(_ reference: String) async throws {
        try await connection.send(.delete, Self.user(reference))
    }

    /// The user of a name and password; nil when they do not belong together, whether or not the user exists.
    /// - Throws: ``RemoteError`` of kind unavailable when too many sign in at once.
    public func verifyPassword(name: String, password: SecretValue) async throws -> User? {
        let check = PasswordCheck(name: name, password: password)
        return try await Self.unlessRefused {
            try await connection.send(.post, "\(Self.base)/authentication/password", check)
        }
    }

    /// Gives a user a new password.
    /// - Throws: ``RemoteError`` with code `userDoesNotExist` or `invalidPassword`.
    public func setPassword(_ password: SecretValue, ofUser reference: String) async throws {
        try await connection.send(.put, "\(Self.user(reference))/password", PasswordChange(password: password))
    }
}

// MARK: - Tokens

extension ConfigStoreClient {
    /// Creates an API token; its value is in the answer and never again.
    /// - Throws: ``RemoteError`` with code `userDoesNotExist`, `invalidUserTokenName` or `userTokenAlreadyExists`.
    public func createToken(named name: String, forUser reference: String) async throws -> CreatedUserToken {
        try await connection.send(.post, "\(Self.user(reference))/tokens", UserTokenCreation(name: name))
    }

    /// The tokens of a user in the order of their names, without values.
    /// - Throws: ``RemoteError`` with code `userDoesNotExist`.
    public func tokens(ofUser reference: String) async throws -> [UserToken] {
        try await connection.get("\(Self.user(reference))/tokens")
    }

    /// Deletes a user's token; requests signed with it are refused from then on.
    /// - Throws: ``RemoteError`` with code `userDoesNotExist` or `userTokenDoesNotExist`.
    public func deleteToken(named name: String, ofUser reference: String) async throws {
        let segment = try Self.segment(name, missing: "userTokenDoesNotExist")
        try await connection.send(.delete, "\(Self.user(reference))/tokens/\(segment)")
    }

    /// The user whose token has a value; nil when no token has.
    public func user(forToken value: SecretValue) async throws -> User? {
        try await Self.unlessRefused {
            try await connection.send(.post, "\(Self.base)/authentication/token", TokenCheck(value: value))
        }
    }
}

// MARK: - Project groups

extension ConfigStoreClient {
    /// Creates a project group below another one.
    /// - Throws: ``RemoteError`` with code `invalidProjectName`, `invalidPath`, `parentProjectGroupDoesNotExist`,
    ///   `projectGroupAlreadyExists` or `treeTooDeep`.
    public func create(_ creation: ProjectGroupCreation) async throws -> PlacedProjectGroup {
        try await connection.send(.post, "\(Self.base)/projectgroups", creation)
    }

    /// A project group by id or path.
    /// - Throws: ``RemoteError`` with code `invalidPath`, `projectGroupDoesNotExist`, `userDoesNotExist` or
    ///   `organizationDoesNotExist`.
    public func projectGroup(_ reference: String) async throws -> PlacedProjectGroup {
        try await connection.get(Self.group(reference))
    }

    /// Renames or moves a project group, or changes its visibility.
    /// - Throws: ``RemoteError``: the codes of creation and look-up, `invalidProjectGroupName`, or of kind badRequest for a move
    ///   into itself and for changes that a root group does not allow.
    public func update(projectGroup reference: String, _ update: ProjectGroupUpdate) async throws -> PlacedProjectGroup
    {
        try await connection.send(.put, Self.group(reference), update)
    }

    /// Deletes an empty project group that is no root group.
    /// - Throws: ``RemoteError``: the codes of look-up, `projectGroupNotEmpty`, or of kind badRequest for a root group.
    public func deleteProjectGroup(_ reference: String) async throws {
        try await connection.send(.delete, Self.group(reference))
    }

    /// The groups directly in a group, in the order of their names.
    /// - Throws: ``RemoteError`` with the codes of look-up.
    public func subgroups(of reference: String) async throws -> [PlacedProjectGroup] {
        try await connection.get("\(Self.group(reference))/subgroups")
    }

    /// The projects directly in a group, in the order of their names.
    /// - Throws: ``RemoteError`` with the codes of look-up.
    public func projects(of reference: String) async throws -> [PlacedProject] {
        try await connection.get("\(Self.group(reference))/projects")
    }
}

// MARK: - Projects

extension ConfigStoreClient {
    /// Creates a project.
    /// - Throws: ``RemoteError`` with code `invalidProjectName`, `invalidPath`, `parentProjectGroupDoesNotExist`,
    ///   `invalidRemoteSourceName`, `remoteSourceDoesNotExist`, `invalidRepoPath`, `invalidDefaultBranch`,
    ///   `cannotSetMembersCanPerformRunActionsOnUserProject`, `projectAlreadyExists` or `treeTooDeep`.
    public func create(_ creation: ProjectCreation) async throws -> PlacedProject {
        try await connection.send(.post, "\(Self.base)/projects", creation)
    }

    /// A project by id or path.
    /// - Throws: ``RemoteError`` with code `invalidPath`, `projectDoesNotExist`, `userDoesNotExist` or
    ///   `organizationDoesNotExist`.
    public func project(_ reference: String) async throws -> PlacedProject {
        try await connection.get(Self.project(reference))
    }

    /// A project by identity.
    /// - Throws: ``RemoteError`` with code `projectDoesNotExist`.
    public func project(byID id: ProjectID) async throws -> PlacedProject {
        try await project(id.text)
    }

    /// Renames or moves a project, or changes its settings.
    /// - Throws: ``RemoteError`` with the codes of creation and look-up.
    public func update(project reference: String, _ update: ProjectUpdate) async throws -> PlacedProject {
        try await connection.send(.put, Self.project(reference), update)
    }

    /// Deletes a project; its runs stay until their own expiry.
    /// - Throws: ``RemoteError`` with the codes of look-up.
    public func deleteProject(_ reference: String) async throws {
        try await connection.send(.delete, Self.project(reference))
    }
}

// MARK: - Remote sources

extension ConfigStoreClient {
    /// All remote sources in the order of their names.
    public func remoteSources() async throws -> [RemoteSource] {
        try await connection.get("\(Self.base)/remotesources")
    }

    /// A remote source by id or name.
    /// - Throws: ``RemoteError`` with code `remoteSourceDoesNotExist`.
    public func remoteSource(_ reference: String) async throws -> RemoteSource {
        let segment = try Self.segment(reference, missing: "remoteSourceDoesNotExist")
        return try await connection.get("\(Self.base)/remotesources/\(segment)")
    }
}

// MARK: - Paths

extension ConfigStoreClient {
    private static let base = "/api/v1alpha"

    private static func user(_ reference: String) throws -> String {
        "\(base)/users/\(try segment(reference, missing: "userDoesNotExist"))"
    }

    private static func group(_ reference: String) throws -> String {
        "\(base)/projectgroups/\(try segment(reference, missing: "projectGroupDoesNotExist"))"
    }

    private static func project(_ reference: String) throws -> String {
        "\(base)/projects/\(try segment(reference, missing: "projectDoesNotExist"))"
    }

    // An empty segment or a dot would make the path another one: deleting the token ".." would delete the user.
    private static func segment(_ text: String, missing code: String) throws -> String {
        guard !["", ".", ".."].contains(text) else {
            throw RemoteError(kind: .notExist, code: code, message: "Nothing has the name \"\(text)\".")
        }
        return PercentEncoding.segment(text)
    }

    private static func unlessRefused<Value>(_ call: () async throws -> Value) async throws -> Value? {
        do {
            return try await call()
        } catch {
            // The internal token may be refused with the same status, and that is no answer about a user.
            guard ErrorChain(error).first(RemoteError.self)?.code == "invalidCredentials" else { throw error }
            return nil
        }
    }
}
