import Base
import Testing

@testable import ConfigStoreService

struct TreeReferenceTests {
    @Test("text without a slash is an id, for groups and projects alike")
    func ids() throws {
        #expect(try TreeReference(group: "alice") == .id("alice"))
        #expect(
            try TreeReference(project: "a23e4567-e89b-12d3-a456-426614174000")
                == .id("a23e4567-e89b-12d3-a456-426614174000")
        )
        #expect(try TreeReference(project: "") == .id(""))
    }

    @Test("a path is cut into owner and names")
    func paths() throws {
        let root = try TreePath(group: "user/alice")
        #expect(root.ownerKind == .user && root.owner == "alice" && root.names.isEmpty)
        let group = try TreePath(group: "org/acme/backend/api")
        #expect(group.ownerKind == .org && group.owner == "acme" && group.names == ["backend", "api"])
        #expect(try TreePath(project: "user/alice/web").names == ["web"])
    }

    @Test(
        "malformed group paths are refused with invalidPath",
        arguments: [
            "/", "//", "user/", "/user/alice", "user//alice", "user/alice/", "user/alice//x", "User/alice",
            "users/alice", "project/alice",
            "alice/x", "user/alice" + String(repeating: "/x", count: TreePath.maximumDepth + 1), "\u{0}/x",
        ]
    )
    func malformedGroups(path: String) {
        #expect(throws: APIError.self) { try TreeReference(group: path) }
        #expect(code { _ = try TreeReference(group: path) } == "invalidPath")
    }

    @Test(
        "malformed project paths are refused with invalidPath",
        arguments: ["user/alice", "org/acme", "user/alice/", "x/y/z"]
    )
    func malformedProjects(path: String) {
        #expect(code { _ = try TreeReference(project: path) } == "invalidPath")
    }

    @Test("the deepest path that is allowed is read")
    func deepest() throws {
        let path = "user/alice" + String(repeating: "/x", count: TreePath.maximumDepth)
        #expect(try TreePath(group: path).names.count == TreePath.maximumDepth)
    }

    @Test(
        "repository paths of two plain parts are accepted",
        arguments: ["alice/hello", "a/b", "alice/web.site", "alice/c_d-e", "alice/9lives", "a-b/x.y.z", "alice/git"]
    )
    func repositoryPaths(path: String) {
        #expect(RepositoryPathRule.isKept(by: path))
    }

    @Test(
        "repository paths that could leave their place are refused",
        arguments: [
            "", "/", "alice", "alice/", "/hello", "alice/hello/x", "alice/..", "../hello", "alice/.", "alice/.git",
            "alice/-x",
            "alice/hello.git", "alice/x..y", "alice/hello.", "alice/hello.lock",
            "alice/a23e4567-e89b-12d3-a456-426614174000", "alice/hello.GIT", "alice/he llo", "alice/h\0", "alice/h\nx",
            "alice/é", "_a/b",
            "alice/h%2F",
            "alice/" + String(repeating: "x", count: 101), "alice//hello",
        ]
    )
    func badRepositoryPaths(path: String) {
        #expect(!RepositoryPathRule.isKept(by: path))
    }

    @Test(
        "branch names that git takes are accepted",
        arguments: ["main", "feature/x", "v1.0", "a@b", "ü", "release-2/hot.fix"]
    )
    func branches(name: String) {
        #expect(BranchName.isValid(name))
    }

    @Test(
        "branch names that git refuses are refused",
        arguments: [
            "", "@", "-x", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "/a", "a/", "a//b", ".a",
            "a/.b", "a.lock", "a.lock/b",
            "a.", "a@{1}", "a\u{7F}", "a\n", String(repeating: "x", count: 251),
        ]
    )
    func badBranches(name: String) {
        #expect(!BranchName.isValid(name))
    }

    private func code(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return ErrorChain(error).first(APIError.self)?.code
        }
    }
}
