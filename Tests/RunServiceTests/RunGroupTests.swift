import Testing

@testable import RunService

@Suite("Run groups")
struct RunGroupTests {
    @Test(
        "the root is the first kind and value",
        arguments: [
            ("/project/p/branch/main", "/project/p"), ("/project/p", "/project/p"), ("/project", "/project"), ("", ""),
            ("/user/ü/pr/7/x/y", "/user/ü"), ("/project/p/", "/project/p"),
            // A combining mark makes another letter of a slash, but not another path.
            ("/project/p/\u{301}branch/main", "/project/p"),
        ]
    )
    func root(_ group: String, _ root: String) {
        #expect(RunGroup.root(of: group) == root)
    }

    @Test(
        "a run is listed in every group between the root's and its own",
        arguments: [
            ("/project/p", []), ("/project/p/branch/main", ["/project/p/branch", "/project/p/branch/main"]),
            ("/user/u/a/b/c", ["/user/u/a", "/user/u/a/b", "/user/u/a/b/c"]),
        ]
    )
    func below(_ group: String, _ places: [String]) {
        #expect(RunGroup.below(rootOf: group) == places)
    }

    @Test("a group alternates kinds and values", arguments: ["/project/p", "/project/p/branch/main"])
    func valid(_ group: String) {
        #expect(RunGroup.isValid(group))
    }

    @Test(
        "anything else is no group",
        arguments: [
            "", "/", "/project", "project/p", "/project/p/branch", "/project//branch/x", "/project/p/branch/", "//",
        ]
    )
    func invalid(_ group: String) {
        #expect(!RunGroup.isValid(group))
    }
}
