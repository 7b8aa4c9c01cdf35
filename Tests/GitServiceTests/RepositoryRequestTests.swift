import Base
import TestSupport
import Testing

@testable import GitService

@Suite("request paths")
struct RepositoryRequestTests {
    static let sha = "0123456789abcdef0123456789abcdef01234567"
    static let user = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"

    private func read(
        _ method: String,
        _ path: String,
        service: String? = nil,
        paths: [String] = []
    ) throws -> RepositoryRequest {
        try RepositoryRequest(method: method, path: path, service: service, paths: paths)
    }

    @Test("well-formed paths are understood")
    func understood() throws {
        let hello = try #require(RepositoryPath("ada/hello"))
        let direct = try #require(RepositoryPath(owner: Self.user, name: Self.user))
        #expect(hello.kind == .hosted && direct.kind == .direct)
        #expect(try read("POST", "/repos") == .create)
        #expect(try read("DELETE", "/repos/ada/hello.git") == .delete(hello))
        #expect(try read("GET", "/repos/ada") == .list(try #require(RepositoryOwner("ada"))))
        #expect(try read("DELETE", "/repos/\(Self.user)") == .deleteAll(try #require(RepositoryOwner(Self.user))))
        let info = "/repos/ada/hello.git/info/refs"
        #expect(try read("GET", info, service: "git-upload-pack") == .advertise(hello, .uploadPack))
        #expect(try read("POST", "/repos/\(direct).git/git-receive-pack") == .exchange(direct, .receivePack))
        #expect(
            try read("GET", "/repos/ada/hello.git/raw/\(Self.sha)/a/b%20c")
                == .file(hello, commit: Self.sha, path: "a/b c")
        )
        #expect(
            try read("GET", "/repos/ada/hello.git/raw/\(Self.sha)", paths: ["a/b", "c d"])
                == .firstFile(hello, commit: Self.sha, paths: ["a/b", "c d"])
        )
        #expect(try read("GET", "/repos/ada/hello.git/commit/refs/heads/x/y") == .commit(hello, .ref("refs/heads/x/y")))
        #expect(try read("GET", "/repos/ada/hello.git/commit/\(Self.sha)") == .commit(hello, .object(Self.sha)))
        #expect(try read("PUT", "/repos/ada/hello.git/hook") == .bind(hello))
        #expect(try read("DELETE", "/repos/ada/hello.git/hook/p%201") == .unbind(hello, project: "p 1"))
    }

    @Test(
        "lists of files with a hostile path, without any and of endless length are refused",
        arguments: [
            [], ["a", ""], ["a/../b"], ["a//b"], ["a\nb"], ["/a"], ["."], Array(repeating: "a", count: 33),
        ]
    )
    func refusedLists(paths: [String]) {
        #expect(throws: APIError.self) { try read("GET", "/repos/ada/hello.git/raw/\(Self.sha)", paths: paths) }
    }

    @Test(
        "hostile and malformed paths are refused",
        arguments: [
            "/repos/../../etc/passwd", "/repos/ada/..git/refs", "/repos/ada/../hello.git/refs",
            "/repos//hello.git/refs",
            "/repos/ada/hello/refs", "/repos/ada/.git/refs", "/repos/ada/%2e%2e.git/refs",
            "/repos/%2e%2e/hello.git/refs",
            "/repos/ada%2fb/hello.git/refs", "/repos/ada/hello%00.git/refs", "/repos/ada/he%0allo.git/refs",
            "/repos/-ada/hello.git/refs", "/repos/ada/-hello.git/refs", "/repos/ada/hello.git.git/refs",
            "/repos/ada/hello.lock.git/refs", "/repos/ada/a..b.git/refs", "/repos/\(user)/hello.git/refs",
            "/repos/ada/\(user).git/refs", "/repos/\(user.uppercased())/\(user.uppercased()).git/refs",
            "/repos/ada/h%C3%A9.git/refs", "/repos/ada/hello.git/raw/\(sha)/..%2f..%2fx",
            "/repos/ada/hello.git/raw/\(sha)/../x",
            "/repos/ada/hello.git/raw/\(sha)/./x", "/repos/ada/hello.git/raw/\(sha)//x",
            "/repos/ada/hello.git/raw/\(sha)/a%0ab",
            "/repos/ada/hello.git/raw/main/x", "/repos/ada/hello.git/raw/--help/x", "/repos/ada/hello.git/commit/--all",
            "/repos/ada/hello.git/commit/main", "/repos/ada/hello.git/commit/refs/heads/a..b",
            "/repos/ada/hello.git/commit/refs/heads/a%5Eb", "/repos/ada/hello.git/commit/refs/heads/x.lock",
            "/repos/ada/hello.git/info/refs", "/repos/ada/hello.git/git-upload-archive",
            "/repos/ada/hello.git/objects/info/packs",
            "/repos/ada/hello.git/%zz", "/repositories/ada/hello.git/refs", "/repos/ada/hello.git/refs/", "/repos/-ada",
            "/repos/ada%2f..", "/repos/%2e%2e", "/repos/ada_b", "/repos/\(user.uppercased())",
            "",
        ]
    )
    func refused(path: String) {
        #expect(throws: APIError.self, "\(path)") { try read("GET", path) }
    }

    @Test("no path whatever leads out of the data directory, or to a command's option")
    func fuzz() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let parts = [
            "repos", "ada", "hello.git", "..", ".", "", "%2e%2e", "%2f", "%00", "raw", "commit", "refs", "heads",
            "info", "hook",
            Self.sha, Self.user, "\(Self.user).git", "-x", "a b", "%0a", ".git", "@{0}", "HEAD", "git-upload-pack", "~",
            "*",
        ]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...8, using: &random)
            let path = (0..<count).map { _ in "/" + (parts.randomElement(using: &random) ?? "") }.joined()
            let method = ["GET", "POST", "PUT", "DELETE", "PATCH"].randomElement(using: &random) ?? ""
            // Most paths are refused; what is accepted must be harmless.
            guard let wish = try? read(method, path, service: "git-upload-pack") else { continue }
            let text = "\(wish)"
            #expect(!text.contains("..") && !text.contains("\u{0}"), "seed \(seed): \(path) became \(text)")
        }
    }

    @Test("ref names follow git's rules")
    func refNames() {
        for name in ["refs/heads/main", "refs/tags/v1.0", "refs/heads/a/b-c_d", "refs/heads/ü", "refs/heads/a@b"] {
            #expect(RefName.isValid(name), "\(name)")
        }
        for name in [
            "main", "refs/", "refs//x", "refs/heads/", "refs/heads/.x", "refs/heads/x.", "refs/heads/a..b",
            "refs/heads/a b",
            "refs/heads/a~b", "refs/heads/a^", "refs/heads/a:b", "refs/heads/a?", "refs/heads/a*", "refs/heads/a[",
            "refs/heads/a\\b",
            "refs/heads/a@{b", "refs/heads/a.lock", "refs/heads/a\u{7f}", "refs/heads/a\n", "refs/heads/a.lock/b",
        ] {
            #expect(!RefName.isValid(name), "\(name)")
        }
    }
}
