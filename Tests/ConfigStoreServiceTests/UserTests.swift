import Base
import FoundationEssentials
import HTTPTypes
import Model
import Store
import TestSupport
import Testing
import WorkerClients

@testable import ConfigStoreService

@Suite(.storeDirectory, .timeLimit(.minutes(5)))
struct UserTests {
    @Test("a user comes with a public root project group, in one creation")
    func create() async throws {
        try await ConfigStoreFixture.with { store in
            let user = try await store.client.create(UserCreation(name: "alice", isAdmin: true))
            #expect(user.name == "alice" && user.isAdmin)
            #expect(abs(user.createdAt.timeIntervalSinceNow) < 60)
            #expect(try await store.client.user("alice").id == user.id)
            #expect(try await store.client.user(user.id).name == "alice")
            let root = try await store.client.projectGroup("user/alice")
            #expect(root.group.name == "" && root.group.parent == nil && root.group.owner == .user(user.id))
            #expect(root.path == "user/alice" && root.parentPath == "user/alice")
            #expect(root.group.visibility == .public && root.globalVisibility == .public)
        }
    }

    @Test("names that break the rule, and names that are taken, are refused and leave nothing")
    func refusedNames() async throws {
        try await ConfigStoreFixture.with { store in
            _ = try await store.client.create(UserCreation(name: "alice"))
            for name in [
                "", "a_b", "аlice", "a23e4567-e89b-12d3-a456-426614174000", "../x", String(repeating: "a", count: 41),
            ] {
                await expectRefusal(.badRequest, "invalidUserName") {
                    try await store.client.create(UserCreation(name: name))
                }
            }
            await expectRefusal(.badRequest, "userAlreadyExists") {
                try await store.client.create(UserCreation(name: "alice"))
            }
            _ = try await store.client.create(UserCreation(name: "Alice"))
            #expect(try await store.client.users().users.map(\.name) == ["Alice", "alice"])
        }
    }

    @Test("passwords that are too short or too long are refused, on creation and on change")
    func refusedPasswords() async throws {
        try await ConfigStoreFixture.with { store in
            _ = try await store.client.create(UserCreation(name: "bob"))
            for password in ["", "1234567", "🐦🐦🐦🐦🐦🐦🐦", String(repeating: "x", count: 1025), "correct horse\0"] {
                await expectRefusal(.badRequest, "invalidPassword") {
                    try await store.client.create(UserCreation(name: "alice", password: SecretValue(password)))
                }
                await expectRefusal(.badRequest, "invalidPassword") {
                    try await store.client.setPassword(SecretValue(password), ofUser: "bob")
                }
            }
            await expectRefusal(.notExist, "userDoesNotExist") { try await store.client.user("alice") }
            let longest = SecretValue(String(repeating: "x", count: 1024))
            _ = try await store.client.create(UserCreation(name: "alice", password: longest))
            #expect(try await store.client.verifyPassword(name: "alice", password: longest)?.name == "alice")
        }
    }

    @Test("a password signs its user in and nobody else, until it is changed")
    func passwords() async throws {
        try await ConfigStoreFixture.with { store in
            let client = store.client
            let alice = try await client.create(UserCreation(name: "alice", password: SecretValue("correct horse")))
            _ = try await client.create(UserCreation(name: "bob", password: SecretValue("battery staple")))
            _ = try await client.create(UserCreation(name: "tokenonly"))
            #expect(try await client.verifyPassword(name: "alice", password: SecretValue("correct horse")) == alice)
            let wrong = [
                ("alice", "battery staple"), ("alice", ""), ("alice", "correct horse "), ("alice", "correct horse\0"),
                ("Alice", "correct horse"),
                ("nobody", "correct horse"),
                ("tokenonly", ""), ("tokenonly", "correct horse"), ("", "correct horse"),
                (alice.id.text, "correct horse"),
                ("alice", String(repeating: "x", count: 2000)),
            ]
            for (name, password) in wrong {
                #expect(try await client.verifyPassword(name: name, password: SecretValue(password)) == nil, "\(name)")
            }
            try await client.setPassword(SecretValue("new password"), ofUser: "alice")
            try await client.setPassword(SecretValue("first password"), ofUser: "tokenonly")
            #expect(try await client.verifyPassword(name: "alice", password: SecretValue("correct horse")) == nil)
            #expect(try await client.verifyPassword(name: "alice", password: SecretValue("new password")) == alice)
            #expect(
                try await client.verifyPassword(name: "tokenonly", password: SecretValue("first password"))?.name
                    == "tokenonly"
            )
            await expectRefusal(.notExist, "userDoesNotExist") {
                try await client.setPassword(SecretValue("new password"), ofUser: "nobody")
            }
        }
    }

    @Test("wrong password, unknown user and user without a password answer with the same words")
    func sameAnswer() async throws {
        try await ConfigStoreFixture.with { store in
            _ = try await store.client.create(UserCreation(name: "alice", password: SecretValue("correct horse")))
            _ = try await store.client.create(UserCreation(name: "bob"))
            var answers: Set<String> = []
            for name in ["alice", "bob", "nobody"] {
                let refusal = await refusal {
                    try await store.connection.send(
                        .post,
                        "/api/v1alpha/authentication/password",
                        PasswordCheck(name: name, password: SecretValue("wrong password"))
                    )
                }
                #expect(refusal?.kind == .unauthorized && refusal?.code == "invalidCredentials")
                answers.insert(refusal?.message ?? "")
            }
            #expect(answers.count == 1)
        }
    }

    @Test("a sign-in costs one hashing, whether the user is known, unknown or without a password")
    func sameCost() async throws {
        let config = try await ConfigStore.open(
            directory: "\(TemporaryDirectory.path)/data",
            passwordCost: ConfigStoreFixture.cheap
        )
        _ = try await config.create(UserCreation(name: "alice", password: SecretValue("correct horse")))
        _ = try await config.create(UserCreation(name: "bob"))
        for name in ["alice", "bob", "nobody", "", "a_b", String(repeating: "x", count: 5000)] {
            let before = config.passwords.count
            await #expect(throws: APIError.self) {
                try await config.verify(PasswordCheck(name: name, password: SecretValue("wrong password")))
            }
            #expect(config.passwords.count == before + 1, "\(name)")
        }
        let decoy = config.passwords.decoy
        #expect(decoy.cost == ConfigStoreFixture.cheap)
    }

    @Test("a hash of another cost is renewed when its user signs in")
    func renewal() async throws {
        let dearer = PasswordHash.Cost(rounds: 1 << 5, blockSize: 8, parallelism: 1)
        try await ConfigStoreFixture.with { store in
            _ = try await store.client.create(UserCreation(name: "alice", password: SecretValue("correct horse")))
        }
        try await ConfigStoreFixture.with(cost: dearer) { store in
            let refused = try await store.client.verifyPassword(name: "alice", password: SecretValue("wrong horse"))
            let accepted = try await store.client.verifyPassword(name: "alice", password: SecretValue("correct horse"))
            #expect(refused == nil && accepted != nil)
        }
        let config = try await ConfigStore.open(directory: "\(TemporaryDirectory.path)/data", passwordCost: dearer)
        let alice = try await config.user("alice")
        let stored = try await config.read("read the hash") { try $0.entry(StoredPassword.self, id: alice.id.text) }
        #expect(stored?.value.hash.cost == dearer)
        #expect(try await config.verify(PasswordCheck(name: "alice", password: SecretValue("correct horse"))) == alice)
    }

    @Test("users are listed in pages by name, in both directions")
    func list() async throws {
        try await ConfigStoreFixture.with { store in
            let names = ["a", "ab", "b", "c", "d", "e", "f"]
            for name in names.shuffled() { _ = try await store.client.create(UserCreation(name: name)) }
            #expect(try await listed(store.client, pages: 3, ascending: true) == names)
            #expect(try await listed(store.client, pages: 3, ascending: false) == names.reversed())
            #expect(try await store.client.users(UserQuery(limit: 7)).hasMore == false)
            #expect(try await store.client.users(UserQuery(limit: 6)).hasMore == true)
            #expect(try await store.client.users(UserQuery(limit: 0)).users.count == 7)
            #expect(try await store.client.users(UserQuery(after: "zzz")).users.isEmpty)
            #expect(try await store.client.users(UserQuery(after: "b'; --", limit: 1)).users.map(\.name) == ["c"])
            #expect(try await store.client.users(UserQuery(limit: .max)).users.count == 7)
        }
    }

    @Test("a wrong limit or direction is refused by its own code")
    func badPaging() async throws {
        try await ConfigStoreFixture.with { store in
            for limit in ["-1", "x", "", "1.5", "99999999999999999999"] {
                await expectRefusal(.badRequest, "invalidLimit") {
                    try await store.connection.get("/api/v1alpha/users", query: [("limit", limit)], as: UserPage.self)
                }
            }
            for direction in ["", "up", "ASC"] {
                await expectRefusal(.badRequest, "invalidSortDirection") {
                    try await store.connection.get(
                        "/api/v1alpha/users",
                        query: [("sortdirection", direction)],
                        as: UserPage.self
                    )
                }
            }
        }
    }

    @Test("a deleted user leaves no token, password or group, and the name is free again")
    func delete() async throws {
        try await ConfigStoreFixture.with { store in
            let client = store.client
            let first = try await client.create(UserCreation(name: "alice", password: SecretValue("correct horse")))
            let token = try await client.createToken(named: "ci", forUser: "alice")
            try await client.deleteUser("alice")
            await expectRefusal(.notExist, "userDoesNotExist") { try await client.user("alice") }
            await expectRefusal(.notExist, "userDoesNotExist") { try await client.deleteUser(first.id.text) }
            await expectRefusal(.notExist, "userDoesNotExist") { try await client.projectGroup("user/alice") }
            #expect(try await client.user(forToken: token.value) == nil)
            #expect(try await client.verifyPassword(name: "alice", password: SecretValue("correct horse")) == nil)
            let second = try await client.create(UserCreation(name: "alice"))
            #expect(second.id != first.id)
            #expect(try await client.tokens(ofUser: "alice").isEmpty)
            #expect(try await client.verifyPassword(name: "alice", password: SecretValue("correct horse")) == nil)
        }
    }

    @Test("a user who owns a group or a project is not deleted")
    func deleteOwner() async throws {
        try await ConfigStoreFixture.with { store in
            _ = try await store.client.create(UserCreation(name: "alice"))
            let group = try await store.createGroup("tools")
            await expectRefusal(.badRequest, "userOwnsProjects") { try await store.client.deleteUser("alice") }
            let project = try await store.createProject("hello")
            try await store.client.deleteProjectGroup(group.group.id.text)
            await expectRefusal(.badRequest, "userOwnsProjects") { try await store.client.deleteUser("alice") }
            try await store.client.deleteProject(project.project.id.text)
            try await store.client.deleteUser("alice")
        }
    }

    private func listed(_ client: ConfigStoreClient, pages limit: Int, ascending: Bool) async throws -> [String] {
        var names: [String] = []
        while true {
            let page = try await client.users(UserQuery(after: names.last, limit: limit, ascending: ascending))
            names += page.users.map(\.name)
            if !page.hasMore { return names }
        }
    }
}
