import Base
import Model
import TestSupport
import Testing
import WorkerClients

@testable import ConfigStoreService

@Suite(.storeDirectory, .timeLimit(.minutes(5)))
struct ProjectTests {
    @Test("a project is found by id and path and has a webhook secret of its own")
    func create() async throws {
        try await withAlice { store in
            let first = try await store.createProject("hello")
            #expect(first.path == "user/alice/hello" && first.parentPath == "user/alice")
            #expect(first.project.remoteSource == "local" && first.project.repositoryPath == "alice/hello")
            #expect(first.project.defaultBranch == "main" && !first.project.membersCanPerformRunActions)
            #expect(first.project.webhookSecret.revealed.wholeMatch(of: /[0-9a-f]{64}/) != nil)
            #expect(try await store.client.project("user/alice/hello") == first)
            #expect(try await store.client.project(byID: first.project.id) == first)
            let second = try await store.createProject("other")
            #expect(second.project.webhookSecret != first.project.webhookSecret)
            #expect(try await store.client.projects(of: "user/alice") == [first, second])
        }
    }

    @Test("all settings of a creation are kept, and the remote source may be named by id")
    func settings() async throws {
        try await withAlice { store in
            let local = try await store.client.remoteSource("local")
            let created = try await store.client.create(
                ProjectCreation(
                    name: "hello",
                    parent: "user/alice",
                    visibility: .private,
                    remoteSource: local.id.text,
                    repositoryPath: "alice/hello",
                    defaultBranch: "release/1.x",
                    passVariablesToForkedPullRequests: true
                )
            )
            #expect(created.project.visibility == .private && created.globalVisibility == .private)
            #expect(created.project.remoteSource == "local" && created.project.defaultBranch == "release/1.x")
            #expect(created.project.passVariablesToForkedPullRequests)
        }
    }

    @Test("a group and a project of one name may lie side by side, two projects may not")
    func sameName() async throws {
        try await withAlice { store in
            try await store.createGroup("hello")
            _ = try await store.createProject("hello")
            await expectRefusal(.badRequest, "projectAlreadyExists") { try await store.createProject("hello") }
            let inner = try await store.createProject("hello", in: "user/alice/hello")
            #expect(inner.path == "user/alice/hello/hello")
            #expect(try await store.createProject("Hello").path == "user/alice/Hello")
        }
    }

    @Test("mistakes of a creation are told in the order of the public contract")
    func refusedCreations() async throws {
        try await withAlice { store in
            let good = ProjectCreation(
                name: "hello",
                parent: "user/alice",
                visibility: .public,
                remoteSource: "local",
                repositoryPath: "alice/hello"
            )
            let cases: [(String, ErrorKind, (inout ProjectCreation) -> Void)] = [
                (
                    "cannotSetMembersCanPerformRunActionsOnUserProject", .badRequest,
                    { $0.membersCanPerformRunActions = true }
                ),
                ("invalidDefaultBranch", .badRequest, { $0.defaultBranch = "a..b" }),
                ("remoteSourceDoesNotExist", .notExist, { $0.remoteSource = "github" }),
                ("invalidRepoPath", .badRequest, { $0.repositoryPath = "../etc" }),
                ("invalidRepoPath", .badRequest, { $0.repositoryPath = "" }),
                ("invalidRemoteSourceName", .badRequest, { $0.remoteSource = "" }),
                ("invalidProjectName", .badRequest, { $0.name = "hello world" }),
                ("invalidProjectName", .badRequest, { $0.name = "" }),
                ("parentProjectGroupDoesNotExist", .notExist, { $0.parent = "user/nobody" }),
                ("parentProjectGroupDoesNotExist", .notExist, { $0.parent = "" }),
                ("invalidPath", .badRequest, { $0.parent = "user/alice//" }),
            ]
            var creation = good
            for (code, kind, spoil) in cases {
                // Each mistake comes on top of those before it, and is the one that is told.
                spoil(&creation)
                await expectRefusal(kind, code) { try await store.client.create(creation) }
                var single = good
                spoil(&single)
                await expectRefusal(kind, code) { try await store.client.create(single) }
            }
            let projects = try await store.client.projects(of: "user/alice")
            #expect(projects.isEmpty)
        }
    }

    @Test("projects that are not there are refused by the code of what is missing")
    func missing() async throws {
        try await withAlice { store in
            try await store.createGroup("tools")
            let cases: [(String, ErrorKind, String)] = [
                ("user/alice/x", .notExist, "projectDoesNotExist"),
                ("user/alice/x/y", .notExist, "projectDoesNotExist"),
                ("user/alice/tools", .notExist, "projectDoesNotExist"),
                ("user/nobody/x", .notExist, "userDoesNotExist"),
                ("org/acme/x", .notExist, "organizationDoesNotExist"), ("x", .notExist, "projectDoesNotExist"),
                ("", .notExist, "projectDoesNotExist"), ("..", .notExist, "projectDoesNotExist"),
                ("a23e4567-e89b-12d3-a456-426614174000", .notExist, "projectDoesNotExist"),
                ("user/alice", .badRequest, "invalidPath"), ("/", .badRequest, "invalidPath"),
                ("a/b/c", .badRequest, "invalidPath"),
                ("user/alice/x\0", .notExist, "projectDoesNotExist"),
                ("user/alice/%2e%2e", .notExist, "projectDoesNotExist"),
            ]
            for (reference, kind, code) in cases {
                await expectRefusal(kind, code) { try await store.client.project(reference) }
                await expectRefusal(kind, code) { try await store.client.deleteProject(reference) }
                await expectRefusal(kind, code) { try await store.client.update(project: reference, ProjectUpdate()) }
            }
        }
    }

    @Test("an update changes what it names and nothing else")
    func update() async throws {
        try await withAlice { store in
            let bob = try await store.client.create(UserCreation(name: "bob"))
            try await store.createGroup("tools")
            let before = try await store.createProject("hello")
            var expected = before.project
            expected.visibility = .private
            expected.defaultBranch = "trunk"
            expected.passVariablesToForkedPullRequests = true
            let settings = ProjectUpdate(
                visibility: .private,
                defaultBranch: "trunk",
                passVariablesToForkedPullRequests: true
            )
            #expect(try await store.client.update(project: before.path, settings).project == expected)
            expected.name = "world"
            expected.parent = try await store.client.projectGroup("user/alice/tools").group.id
            let moved = try await store.client.update(
                project: before.path,
                ProjectUpdate(name: "world", parent: "user/alice/tools")
            )
            #expect(moved.project == expected && moved.path == "user/alice/tools/world")
            let given = try await store.client.update(project: moved.path, ProjectUpdate(parent: "user/bob"))
            #expect(given.project.owner == .user(bob.id) && given.path == "user/bob/world")
            #expect(try await store.client.project(byID: before.project.id) == given)
            #expect(try await store.client.update(project: given.path, ProjectUpdate()) == given)
        }
    }

    @Test("updates to wrong or taken names, missing groups and impossible settings change nothing")
    func refusedUpdates() async throws {
        try await withAlice { store in
            let project = try await store.createProject("hello")
            _ = try await store.createProject("taken")
            let cases: [(String, ErrorKind, ProjectUpdate)] = [
                ("projectAlreadyExists", .badRequest, ProjectUpdate(name: "taken")),
                ("invalidProjectName", .badRequest, ProjectUpdate(name: "")),
                ("invalidProjectName", .badRequest, ProjectUpdate(name: "a/b")),
                ("parentProjectGroupDoesNotExist", .notExist, ProjectUpdate(parent: "user/alice/none")),
                ("invalidPath", .badRequest, ProjectUpdate(parent: "/")),
                ("invalidDefaultBranch", .badRequest, ProjectUpdate(defaultBranch: "")),
                (
                    "cannotSetMembersCanPerformRunActionsOnUserProject", .badRequest,
                    ProjectUpdate(membersCanPerformRunActions: true)
                ),
            ]
            for (code, kind, update) in cases {
                await expectRefusal(kind, code) { try await store.client.update(project: project.path, update) }
            }
            #expect(try await store.client.project(project.path) == project)
        }
    }

    @Test("a deleted project is gone and its name is free")
    func delete() async throws {
        try await withAlice { store in
            let first = try await store.createProject("hello")
            try await store.client.deleteProject(first.path)
            await expectRefusal(.notExist, "projectDoesNotExist") {
                try await store.client.project(byID: first.project.id)
            }
            await expectRefusal(.notExist, "projectDoesNotExist") { try await store.client.deleteProject(first.path) }
            #expect(try await store.createProject("hello").project.id != first.project.id)
        }
    }

    @Test("the remote source local exists from the first start, once")
    func localSource() async throws {
        let first = try await ConfigStoreFixture.with { try await $0.client.remoteSources() }
        try await ConfigStoreFixture.with { store in
            let second = try await store.client.remoteSources()
            #expect(second == first)
            #expect(
                first.map(\.name) == ["local"] && first.map(\.kind) == [.local]
                    && first.map(\.authentication) == [.password]
            )
            #expect(try await store.client.remoteSource("local") == first[0])
            #expect(try await store.client.remoteSource(first[0].id.text) == first[0])
            for name in ["github", "", "Local", "a23e4567-e89b-12d3-a456-426614174000"] {
                await expectRefusal(.notExist, "remoteSourceDoesNotExist") { try await store.client.remoteSource(name) }
            }
        }
    }

    private func withAlice(_ body: (ConfigStoreFixture) async throws -> Void) async throws {
        try await ConfigStoreFixture.with { store in
            _ = try await store.client.create(UserCreation(name: "alice"))
            try await body(store)
        }
    }
}
