import Base
import Model
import TestSupport
import Testing
import WorkerClients

@testable import ConfigStoreService

@Suite(.storeDirectory, .timeLimit(.minutes(5)))
struct ProjectGroupTests {
    @Test("groups nest, and are found by id and by path")
    func nest() async throws {
        try await withAlice { store in
            let tools = try await store.createGroup("tools")
            let build = try await store.createGroup("build", in: tools.group.id.text)
            #expect(build.path == "user/alice/tools/build" && build.parentPath == "user/alice/tools")
            #expect(build.group.parent == tools.group.id && build.group.owner == tools.group.owner)
            #expect(try await store.client.projectGroup("user/alice/tools/build") == build)
            #expect(try await store.client.projectGroup(build.group.id.text) == build)
            #expect(try await store.client.subgroups(of: "user/alice") == [tools])
            #expect(try await store.client.subgroups(of: tools.path) == [build])
            #expect(try await store.client.subgroups(of: build.path).isEmpty)
            #expect(try await store.client.projects(of: tools.path).isEmpty)
        }
    }

    @Test("children are listed in the order of their names")
    func order() async throws {
        try await withAlice { store in
            for name in ["c", "a", "B", "b"] {
                try await store.createGroup(name)
                _ = try await store.createProject(name)
            }
            #expect(try await store.client.subgroups(of: "user/alice").map(\.group.name) == ["B", "a", "b", "c"])
            #expect(try await store.client.projects(of: "user/alice").map(\.project.name) == ["B", "a", "b", "c"])
        }
    }

    @Test("a private ancestor makes everything below it private")
    func visibility() async throws {
        try await withAlice { store in
            try await store.createGroup("a")
            try await store.createGroup("b", in: "user/alice/a")
            let project = try await store.createProject("p", in: "user/alice/a/b")
            #expect(project.globalVisibility == .public)
            let hidden = try await store.client.update(
                projectGroup: "user/alice/a",
                ProjectGroupUpdate(visibility: .private)
            )
            #expect(hidden.group.visibility == .private && hidden.globalVisibility == .private)
            let below = try await store.client.projectGroup("user/alice/a/b")
            #expect(below.group.visibility == .public && below.globalVisibility == .private)
            let found = try await store.client.project("user/alice/a/b/p")
            #expect(found.project.visibility == .public && found.globalVisibility == .private)
            #expect(try await store.client.projects(of: "user/alice/a/b") == [found])
            _ = try await store.client.update(projectGroup: "user/alice/a", ProjectGroupUpdate(visibility: .public))
            _ = try await store.client.update(projectGroup: "user/alice", ProjectGroupUpdate(visibility: .private))
            #expect(try await store.client.subgroups(of: "user/alice").map(\.globalVisibility) == [.private])
            #expect(try await store.client.project(byID: project.project.id).globalVisibility == .private)
        }
    }

    @Test("a rename changes the paths below and frees the old name")
    func rename() async throws {
        try await withAlice { store in
            let group = try await store.createGroup("old")
            let project = try await store.createProject("p", in: "user/alice/old")
            let renamed = try await store.client.update(projectGroup: "user/alice/old", ProjectGroupUpdate(name: "new"))
            #expect(renamed.group.id == group.group.id && renamed.path == "user/alice/new")
            #expect(try await store.client.project(byID: project.project.id).path == "user/alice/new/p")
            await expectRefusal(.notExist, "projectGroupDoesNotExist") {
                try await store.client.projectGroup("user/alice/old")
            }
            try await store.createGroup("old")
            await expectRefusal(.badRequest, "projectGroupAlreadyExists") {
                try await store.client.update(projectGroup: "user/alice/old", ProjectGroupUpdate(name: "new"))
            }
            #expect(
                try await store.client.update(projectGroup: "user/alice/new", ProjectGroupUpdate(name: "new"))
                    == renamed
            )
            #expect(try await store.client.update(projectGroup: "user/alice/new", ProjectGroupUpdate()) == renamed)
        }
    }

    @Test("a move takes everything below along, also to another owner")
    func move() async throws {
        try await withAlice { store in
            let bob = try await store.client.create(UserCreation(name: "bob"))
            try await store.createGroup("a")
            try await store.createGroup("b", in: "user/alice/a")
            let project = try await store.createProject("p", in: "user/alice/a/b")
            let moved = try await store.client.update(
                projectGroup: "user/alice/a/b",
                ProjectGroupUpdate(name: "c", parent: "user/alice")
            )
            #expect(moved.path == "user/alice/c" && moved.parentPath == "user/alice")
            #expect(try await store.client.project(byID: project.project.id).path == "user/alice/c/p")
            let given = try await store.client.update(
                projectGroup: "user/alice/c",
                ProjectGroupUpdate(parent: "user/bob")
            )
            #expect(given.path == "user/bob/c" && given.group.owner == .user(bob.id))
            let found = try await store.client.project("user/bob/c/p")
            #expect(found.project.id == project.project.id && found.project.owner == .user(bob.id))
            #expect(found.project.webhookSecret == project.project.webhookSecret)
            await expectRefusal(.badRequest, "userOwnsProjects") { try await store.client.deleteUser("bob") }
        }
    }

    @Test("a group cannot be moved into itself, below itself, or where its name is taken")
    func refusedMoves() async throws {
        try await withAlice { store in
            let a = try await store.createGroup("a")
            let b = try await store.createGroup("b", in: "user/alice/a")
            try await store.createGroup("b")
            for target in [a.path, a.group.id.text, b.path, b.group.id.text] {
                await expectRefusal(.badRequest, "badrequest") {
                    try await store.client.update(projectGroup: a.path, ProjectGroupUpdate(parent: target))
                }
            }
            await expectRefusal(.badRequest, "projectGroupAlreadyExists") {
                try await store.client.update(projectGroup: "user/alice/a/b", ProjectGroupUpdate(parent: "user/alice"))
            }
            await expectRefusal(.notExist, "parentProjectGroupDoesNotExist") {
                try await store.client.update(projectGroup: a.path, ProjectGroupUpdate(parent: "user/nobody"))
            }
            #expect(try await store.client.projectGroup(b.group.id.text) == b)
        }
    }

    @Test("a root group keeps name, parent and existence; only its visibility changes")
    func root() async throws {
        try await withAlice { store in
            try await store.createGroup("a")
            await expectRefusal(.badRequest, "invalidProjectGroupName") {
                try await store.client.update(projectGroup: "user/alice", ProjectGroupUpdate(name: "x"))
            }
            await expectRefusal(.badRequest, "badrequest") {
                try await store.client.update(projectGroup: "user/alice", ProjectGroupUpdate(parent: "user/alice/a"))
            }
            await expectRefusal(.badRequest, "badrequest") { try await store.client.deleteProjectGroup("user/alice") }
            let root = try await store.client.update(
                projectGroup: "user/alice",
                ProjectGroupUpdate(name: "", visibility: .private)
            )
            #expect(root.path == "user/alice" && root.globalVisibility == .private)
            #expect(try await store.client.projectGroup("user/alice") == root)
        }
    }

    @Test("only an empty group is deleted")
    func delete() async throws {
        try await withAlice { store in
            try await store.createGroup("a")
            try await store.createGroup("b", in: "user/alice/a")
            await expectRefusal(.badRequest, "projectGroupNotEmpty") {
                try await store.client.deleteProjectGroup("user/alice/a")
            }
            let project = try await store.createProject("p", in: "user/alice/a/b")
            await expectRefusal(.badRequest, "projectGroupNotEmpty") {
                try await store.client.deleteProjectGroup("user/alice/a/b")
            }
            try await store.client.deleteProject(project.path)
            try await store.client.deleteProjectGroup("user/alice/a/b")
            try await store.client.deleteProjectGroup("user/alice/a")
            await expectRefusal(.notExist, "projectGroupDoesNotExist") {
                try await store.client.deleteProjectGroup("user/alice/a")
            }
            #expect(try await store.client.subgroups(of: "user/alice").isEmpty)
        }
    }

    @Test("wrong names, missing parents and malformed paths are told apart")
    func refusedCreations() async throws {
        try await withAlice { store in
            for name in ["", "a b", "1x", "a23e4567-e89b-12d3-a456-426614174000", "ａ"] {
                await expectRefusal(.badRequest, "invalidProjectName") { try await store.createGroup(name) }
            }
            let group = try await store.createGroup("a")
            await expectRefusal(.badRequest, "projectGroupAlreadyExists") { try await store.createGroup("a") }
            await expectRefusal(.badRequest, "invalidProjectGroupName") {
                try await store.client.update(projectGroup: "user/alice/a", ProjectGroupUpdate(name: ""))
            }
            let missing = [
                "", "alice", "user/nobody", "user/alice/x", "user/alice/a/x", "org/acme",
                "a23e4567-e89b-12d3-a456-426614174000",
                "user/\(group.group.id)",
            ]
            for parent in missing {
                await expectRefusal(.notExist, "parentProjectGroupDoesNotExist") {
                    try await store.createGroup("b", in: parent)
                }
            }
            for parent in ["/", "user/", "/user/alice", "user/alice/", "group/alice", "user//a"] {
                await expectRefusal(.badRequest, "invalidPath") { try await store.createGroup("b", in: parent) }
                await expectRefusal(.badRequest, "invalidPath") { try await store.client.projectGroup(parent) }
            }
            await expectRefusal(.notExist, "userDoesNotExist") { try await store.client.projectGroup("user/nobody") }
            await expectRefusal(.notExist, "organizationDoesNotExist") {
                try await store.client.projectGroup("org/acme")
            }
            await expectRefusal(.notExist, "projectGroupDoesNotExist") { try await store.client.projectGroup("alice") }
            await expectRefusal(.notExist, "projectGroupDoesNotExist") {
                try await store.client.projectGroup("user/alice/A")
            }
        }
    }

    @Test("the tree has a bottom, for creations and for moves")
    func depth() async throws {
        try await withAlice { store in
            var path = "user/alice"
            for _ in 1..<TreePath.maximumDepth {
                try await store.createGroup("x", in: path)
                path += "/x"
            }
            let deepest = try await store.createProject("p", in: path)
            #expect(try await store.client.project(deepest.path) == deepest)
            try await store.createGroup("y", in: path)
            await expectRefusal(.badRequest, "treeTooDeep") { try await store.createGroup("z", in: path + "/y") }
            await expectRefusal(.badRequest, "treeTooDeep") { try await store.createProject("p", in: path + "/y") }
            try await store.createGroup("m")
            _ = try await store.createProject("q", in: "user/alice/m")
            await expectRefusal(.badRequest, "treeTooDeep") {
                try await store.client.update(projectGroup: "user/alice/m", ProjectGroupUpdate(parent: path))
            }
            try await store.client.deleteProject("user/alice/m/q")
            _ = try await store.client.update(projectGroup: "user/alice/m", ProjectGroupUpdate(parent: path))
        }
    }

    private func withAlice(_ body: (ConfigStoreFixture) async throws -> Void) async throws {
        try await ConfigStoreFixture.with { store in
            _ = try await store.client.create(UserCreation(name: "alice"))
            try await body(store)
        }
    }
}
