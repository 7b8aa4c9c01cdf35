import Base
import FoundationEssentials
import Logging
import Model

extension ConfigStore {
    /// Creates a user together with the user's root project group.
    func create(_ creation: UserCreation) async throws -> User {
        guard EntityName.isValid(creation.name) else {
            throw APIError(.badRequest, code: "invalidUserName", EntityName.rule)
        }
        if let password = creation.password { try PasswordRule.check(password) }
        // A hashing is costly; a name that is taken need not wait for it.
        try await read("look for user \(creation.name)") { try Self.expectFree(creation.name, $0) }
        let hash: PasswordHash? =
            if let password = creation.password { try await passwords.hash(password) } else { nil }
        let user = User(id: .random(), name: creation.name, isAdmin: creation.isAdmin, createdAt: .now)
        let root = ProjectGroup(id: .random(), name: "", parent: nil, owner: .user(user.id), visibility: .public)
        return try await change("create user \(creation.name)") { change in
            try change.claim(.user(user.name))
            try Self.expectFree(user.name, change.view)
            try change.insert(user)
            try change.insert(root)
            if let hash { try change.insert(StoredPassword(user: user.id, hash: hash)) }
            return user
        }
    }

    /// A user by id or name.
    func user(_ reference: String) async throws -> User {
        try await read("read user \(reference)") { try $0.requiredUser(reference).value }
    }

    /// A page of users.
    func users(_ query: UserQuery) async throws -> UserPage {
        guard query.limit >= 0 else {
            throw APIError(.badRequest, code: "invalidLimit", "The limit must not be negative; 0 stands for no limit.")
        }
        return try await read("list users") { view in
            let isLimited = query.limit > 0 && query.limit < Int(Int32.max)
            let users = try view.users(query, limit: isLimited ? query.limit + 1 : nil)
            guard isLimited, users.count > query.limit else { return UserPage(users: users, hasMore: false) }
            return UserPage(users: Array(users.prefix(query.limit)), hasMore: true)
        }
    }

    /// Deletes a user with tokens and password, unless groups or projects belong to the user.
    func deleteUser(_ reference: String) async throws {
        try await change("delete user \(reference)") { change in
            let user = try change.view.requiredUser(reference)
            guard let root = try change.view.rootGroup(of: .user(user.value.id)) else {
                throw Failure("user \(user.value.id) has no root group")
            }
            try change.expectNoNewMembers(of: .children(root.value.id))
            guard try change.view.isEmpty(root.value.id) else {
                throw APIError(
                    .badRequest,
                    code: "userOwnsProjects",
                    "The user still owns project groups or projects. Delete or move them first."
                )
            }
            try change.expectNoNewMembers(of: .tokens(user.value.id))
            for token in try change.view.tokens(of: user.value.id) { change.delete(token) }
            if let password: Entry<StoredPassword> = try change.view.entry(id: user.value.id.text) {
                change.delete(password)
            }
            change.delete(root)
            change.delete(user)
        }
    }

    /// The user of a name and password.
    /// - Throws: ``APIError`` of kind unauthorized when they do not belong together; it takes as long when there is no such user.
    func verify(_ check: PasswordCheck) async throws -> User {
        // Nobody has such a password, so nothing about a user can be learnt from a quick answer.
        guard PasswordRule.mayMatch(check.password) else { throw Self.invalidCredentials() }
        let found = try await read("look up credentials") {
            view -> (user: User, password: Entry<StoredPassword>?)? in
            guard let user = try view.user(named: check.name) else { return nil }
            return (user.value, try view.entry(id: user.value.id.text))
        }
        let isRight = try await passwords.matches(check.password, found?.password?.value.hash)
        guard isRight, let found, let stored = found.password else { throw Self.invalidCredentials() }
        if passwords.isOutdated(stored.value.hash) { await renew(stored, check.password) }
        return found.user
    }

    /// Gives a user a new password.
    func setPassword(_ password: SecretValue, ofUser reference: String) async throws {
        try PasswordRule.check(password)
        _ = try await user(reference)
        let hash = try await passwords.hash(password)
        try await change("set the password of user \(reference)") { change in
            let user = try change.view.requiredUser(reference)
            change.expectUnchanged(user)
            let new = StoredPassword(user: user.value.id, hash: hash)
            if let old: Entry<StoredPassword> = try change.view.entry(id: new.recordID) {
                try change.replace(old, by: new)
            } else {
                try change.insert(new)
            }
        }
    }

    static func invalidCredentials() -> APIError {
        APIError(.unauthorized, code: "invalidCredentials", "The name or the password is wrong.")
    }

    // The costs grow over the years: whoever signs in brings the password that a new hash can be made of.
    private func renew(_ stored: Entry<StoredPassword>, _ password: SecretValue) async {
        let user = stored.value.user
        do {
            let hash = try await passwords.hash(password)
            try await change("renew the password hash of user \(user)") { change in
                // A password that was changed meanwhile stays as it is.
                guard let now: Entry<StoredPassword> = try change.view.entry(id: stored.value.recordID),
                    now.revision == stored.revision
                else { return }
                try change.replace(now, by: StoredPassword(user: user, hash: hash))
            }
        } catch {
            // The password was right; the next sign-in tries again.
            if ErrorChain(error).isCancellation { return }
            Logger.current.warning("password hash not renewed", error: error, metadata: ["user": "\(user)"])
        }
    }

    private static func expectFree(_ name: String, _ view: ConfigView) throws {
        guard try view.user(named: name) == nil else {
            throw APIError(
                .badRequest,
                code: "userAlreadyExists",
                "There is a user of this name already. Choose another name."
            )
        }
    }
}
