import Base
import Model
import Store
import TestSupport
import Testing
import WorkerClients

@testable import ConfigStoreService

@Suite(.storeDirectory, .timeLimit(.minutes(5)))
struct ConcurrencyTests {
    /// How a call ended.
    private enum Outcome: Hashable {
        case done
        case refused(String)
    }

    @Test("of many creations of one name, over two instances, exactly one succeeds")
    func oneName() async throws {
        try await withTwoInstances { first, second in
            _ = try await first.client.create(UserCreation(name: "alice"))
            let clients = [first, second]
            let users = await outcomes(of: 40) { try await clients[$0 % 2].client.create(UserCreation(name: "bob")) }
            #expect(users == [.done: 1, .refused("userAlreadyExists"): 39])
            let tokens = await outcomes(of: 40) {
                try await clients[$0 % 2].client.createToken(named: "ci", forUser: "alice")
            }
            #expect(tokens == [.done: 1, .refused("userTokenAlreadyExists"): 39])
            let groups = await outcomes(of: 40) { try await clients[$0 % 2].createGroup("tools") }
            #expect(groups == [.done: 1, .refused("projectGroupAlreadyExists"): 39])
            let projects = await outcomes(of: 40) { try await clients[$0 % 2].createProject("hello") }
            #expect(projects == [.done: 1, .refused("projectAlreadyExists"): 39])
            for store in clients {
                #expect(try await store.client.users().users.map(\.name) == ["alice", "bob"])
                #expect(try await store.client.tokens(ofUser: "alice").count == 1)
                #expect(try await store.client.subgroups(of: "user/alice").count == 1)
                #expect(try await store.client.projects(of: "user/alice").count == 1)
            }
        }
    }

    @Test("creations of different names in one group do not hinder each other")
    func differentNames() async throws {
        try await withTwoInstances { first, second in
            _ = try await first.client.create(UserCreation(name: "alice"))
            let clients = [first, second]
            #expect(await outcomes(of: 60) { try await clients[$0 % 2].createProject("p\($0)") } == [.done: 60])
            #expect(
                await outcomes(of: 60) {
                    try await clients[$0 % 2].client.createToken(named: "t\($0)", forUser: "alice")
                } == [.done: 60]
            )
            #expect(try await second.client.projects(of: "user/alice").count == 60)
        }
    }

    @Test("a group is never deleted under a project that is being created in it")
    func deleteAgainstCreate() async throws {
        try await withTwoInstances { first, second in
            _ = try await first.client.create(UserCreation(name: "alice"))
            for round in 0..<25 {
                let group = try await first.createGroup("g\(round)")
                async let deleted = outcome { try await first.client.deleteProjectGroup(group.path) }
                async let created = outcome { try await second.createProject("p", in: group.group.id.text) }
                switch await (deleted, created) {
                case (.done, .refused("parentProjectGroupDoesNotExist")):
                    #expect(
                        await refusal { try await first.client.projectGroup(group.path) }?.code
                            == "projectGroupDoesNotExist"
                    )
                case (.refused("projectGroupNotEmpty"), .done):
                    #expect(try await first.client.project("\(group.path)/p").parentPath == group.path)
                case let other:
                    Issue.record("round \(round): \(other)")
                }
            }
        }
    }

    @Test("a user is never deleted under a group or token that is being created")
    func deleteUserAgainstCreate() async throws {
        try await withTwoInstances { first, second in
            for round in 0..<25 {
                let user = try await first.client.create(UserCreation(name: "u\(round)"))
                async let deleted = outcome { try await first.client.deleteUser(user.name) }
                async let created = outcome { try await second.createGroup("g", in: "user/\(user.name)") }
                async let token = outcome { try await second.client.createToken(named: "ci", forUser: user.id.text) }
                let (wasDeleted, wasCreated, wasGiven) = await (deleted, created, token)
                #expect((wasDeleted == .done) != (wasCreated == .done), "round \(round)")
                let isUserThere = try await second.client.users(UserQuery(limit: 0)).users.contains { $0.id == user.id }
                #expect(isUserThere == (wasDeleted != .done))
                if isUserThere { #expect(wasGiven == .done) }
            }
        }
    }

    @Test("two groups moved into each other at once never make a circle")
    func circles() async throws {
        try await withTwoInstances { first, second in
            _ = try await first.client.create(UserCreation(name: "alice"))
            for round in 0..<25 {
                let a = try await first.createGroup("a\(round)").group.id.text
                let b = try await first.createGroup("b\(round)").group.id.text
                let deep = try await first.createGroup("c", in: b).group.id.text
                async let one = outcome {
                    try await first.client.update(projectGroup: a, ProjectGroupUpdate(parent: deep))
                }
                async let other = outcome {
                    try await second.client.update(projectGroup: b, ProjectGroupUpdate(parent: a))
                }
                #expect(await Set([one, other]) == [.done, .refused("badrequest")], "round \(round)")
                #expect(try await first.client.projectGroup(deep).path.hasPrefix("user/alice/"))
            }
        }
    }

    @Test("a project created below a group that moves to another owner belongs to the owner of its place")
    func ownerFollowsPlace() async throws {
        try await withTwoInstances { first, second in
            for name in ["alice", "bob"] { _ = try await first.client.create(UserCreation(name: name)) }
            let bob = try await first.client.user("bob")
            for round in 0..<25 {
                let outer = try await first.createGroup("g\(round)")
                let inner = try await first.createGroup("inner", in: outer.path)
                async let moved = outcome {
                    try await first.client.update(
                        projectGroup: outer.group.id.text,
                        ProjectGroupUpdate(parent: "user/bob")
                    )
                }
                async let created = outcome { try await second.createProject("p", in: inner.group.id.text) }
                #expect(await [moved, created] == [.done, .done])
                let project = try await first.client.project("user/bob/g\(round)/inner/p")
                #expect(project.project.owner == .user(bob.id), "round \(round)")
            }
        }
    }

    @Test("everything acknowledged is there after the store was opened again")
    func reopen() async throws {
        let before = try await ConfigStoreFixture.with { store in
            let user = try await store.client.create(
                UserCreation(name: "alice", password: SecretValue("correct horse"))
            )
            let token = try await store.client.createToken(named: "ci", forUser: "alice")
            try await store.createGroup("tools", visibility: .private)
            let project = try await store.createProject("hello", in: "user/alice/tools")
            return (user: user, token: token, project: project)
        }
        try await ConfigStoreFixture.with { store in
            let user = try await store.client.user("alice")
            #expect(user == before.user)
            #expect(try await store.client.user(forToken: before.token.value) == before.user)
            #expect(try await store.client.tokens(ofUser: "alice") == [before.token.token])
            #expect(
                try await store.client.verifyPassword(name: "alice", password: SecretValue("correct horse"))
                    == before.user
            )
            #expect(try await store.client.project(byID: before.project.project.id) == before.project)
            await expectRefusal(.badRequest, "userAlreadyExists") {
                try await store.client.create(UserCreation(name: "alice"))
            }
            await expectRefusal(.badRequest, "projectAlreadyExists") {
                try await store.createProject("hello", in: "user/alice/tools")
            }
        }
    }

    @Test("instances that start on an empty store at once make one remote source and one key")
    func firstStart() async throws {
        let directory = "\(TemporaryDirectory.path)/data"
        // Open already: how the store's own files come into being is not the question here.
        let store = try await LocalStore.open(directory: directory, projections: [ConfigReadModel()])
        try await withThrowingTaskGroup(of: ConfigStore.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try await ConfigStore.open(directory: directory, passwordCost: ConfigStoreFixture.cheap)
                }
            }
            for try await config in group { #expect(try await config.remoteSources().map(\.name) == ["local"]) }
        }
        let records = try await store.read { tx in
            try tx.rows("SELECT type FROM record ORDER BY type").map { try $0.text("type") }
        }
        #expect(records == ["keycheck", "remotesource"])
    }

    private func withTwoInstances(_ body: (ConfigStoreFixture, ConfigStoreFixture) async throws -> Void) async throws {
        try await ConfigStoreFixture.with(socket: "1.sock") { first in
            try await ConfigStoreFixture.with(socket: "2.sock") { second in try await body(first, second) }
        }
    }

    private func outcomes(
        of count: Int,
        _ call: @escaping @Sendable (Int) async throws -> some Any
    ) async -> [Outcome: Int] {
        await withTaskGroup(of: Outcome.self) { group in
            for number in 0..<count { group.addTask { await outcome { try await call(number) } } }
            return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        }
    }

    private func outcome(_ call: () async throws -> some Any) async -> Outcome {
        do {
            _ = try await call()
            return .done
        } catch {
            return .refused(ErrorChain(error).first(RemoteError.self)?.code ?? "\(error)")
        }
    }
}
