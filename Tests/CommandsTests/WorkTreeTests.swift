import Base
import FoundationEssentials
import Subprocess
import SystemPackage
import TestSupport
import Testing

@testable import Commands

@Suite("snapshots of work trees by the real git", .temporaryDirectory, .timeLimit(.minutes(5)))
struct WorkTreeTests {
    private let environment = [
        "PATH": "/usr/local/bin:/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CEILING_DIRECTORIES": "/tmp",
    ]

    private var root: String { TemporaryDirectory.path + "/tree" }

    @discardableResult
    private func git(_ arguments: String..., in directory: String? = nil) async throws -> String {
        let home = ["HOME": TemporaryDirectory.path]
        let named = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"] + arguments
        return try await LocalGit(directory: directory ?? root, environment: environment.merging(home) { $1 }).run(
            named
        )
    }

    private func write(_ name: String, _ content: String) throws {
        let url = URL(filePath: "\(root)/\(name)")
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(content.utf8).write(to: url)
    }

    private func makeTree() async throws {
        try await git("init", "-q", "-b", "main", root, in: TemporaryDirectory.path)
    }

    private func tree(from directory: String = "") async throws -> WorkTree {
        try await WorkTree(
            around: root + directory,
            environment: environment.merging(["HOME": TemporaryDirectory.path]) { $1 }
        )
    }

    private func files(of commit: String) async throws -> [String: String] {
        var files: [String: String] = [:]
        for name in try await git("ls-tree", "-r", "--name-only", commit).split(separator: "\n").map(String.init) {
            files[name] = try await git("show", "\(commit):\(name)")
        }
        return files
    }

    /// Everything of a repository that a snapshot must leave alone.
    private func state() async throws -> [String] {
        [
            try await git("status", "--porcelain=v2", "--branch"), try await git("for-each-ref"),
            try await git("stash", "list"),
            try FileManager.default.contentsOfDirectory(atPath: "\(root)/.git").sorted().joined(),
        ]
    }

    @Test("staged, unstaged, untracked and deleted files are in it, ignored ones are not, and nothing is changed")
    func everyState() async throws {
        try await makeTree()
        for name in ["kept", "changed", "staged", "gone", "goneStaged", "sub/deep"] { try write(name, "old") }
        try write(".gitignore", "ignored\n")
        try await git("add", ".")
        try await git("commit", "-qm", "one")
        try write("changed", "new")
        try write("staged", "new")
        try await git("add", "staged")
        try write("staged", "newer")
        try write("sub/untracked", "new")
        try write("ignored", "secret")
        try FileManager.default.removeItem(atPath: "\(root)/gone")
        try await git("rm", "-q", "--cached", "goneStaged")
        let before = try await state()
        let commit = try await tree(from: "/sub").snapshot(message: "snap")
        #expect(try await state() == before)
        #expect(
            try await files(of: commit) == [
                ".gitignore": "ignored", "kept": "old", "changed": "new", "staged": "newer", "goneStaged": "old",
                "sub/deep": "old",
                "sub/untracked": "new",
            ]
        )
        #expect(try await git("log", "--format=%an %P %s", commit) == "Martlet direct run  snap")
        let tracked = try await tree().snapshot(.init(untracked: false), message: "snap")
        #expect(try await files(of: tracked).keys.sorted() == [".gitignore", "changed", "kept", "staged", "sub/deep"])
        let everything = try await tree().snapshot(.init(ignored: true), message: "snap")
        #expect(try await files(of: everything)["ignored"] == "secret")
        let grown = try await tree().snapshot(.init(history: true), message: "snap")
        #expect(try await git("rev-list", "--count", grown) == "2")
    }

    @Test("a repository without commits, without files, or with a detached HEAD has a snapshot, too")
    func oddHeads() async throws {
        try await makeTree()
        let empty = try await tree().snapshot(.init(history: true), message: "snap")
        #expect(try await files(of: empty).isEmpty)
        try write("file", "one")
        let first = try await tree().snapshot(message: "snap")
        #expect(try await files(of: first) == ["file": "one"])
        try await git("add", ".")
        try await git("commit", "-qm", "one")
        try await git("checkout", "-q", "--detach")
        try write("file", "two")
        let detached = try await tree().snapshot(message: "snap")
        #expect(try await files(of: detached) == ["file": "two"])
    }

    @Test("an unfinished merge is taken as the files are")
    func merge() async throws {
        try await makeTree()
        try write("file", "base")
        try await git("add", ".")
        try await git("commit", "-qm", "base")
        try await git("checkout", "-qb", "other")
        try write("file", "theirs")
        try await git("commit", "-qam", "theirs")
        try await git("checkout", "-q", "main")
        try write("file", "ours")
        try await git("commit", "-qam", "ours")
        await #expect(throws: LocalGit.Refusal.self) { try await git("merge", "other") }
        try write("file", "half done")
        let commit = try await tree().snapshot(message: "snap")
        #expect(try await files(of: commit) == ["file": "half done"])
        #expect(try await git("status", "--porcelain").hasPrefix("UU"))
    }

    @Test("a file that changes right after git has looked at it is taken as it is")
    func racyFile() async throws {
        try await makeTree()
        for round in 0..<20 {
            try write("file", "old \(round)")
            try await git("add", ".")
            try write("file", "new \(round)")
            let commit = try await tree().snapshot(message: "snap")
            #expect(try await files(of: commit) == ["file": "new \(round)"])
        }
    }

    @Test("linked work trees and paths with spaces work")
    func linked() async throws {
        try await makeTree()
        try write("file", "one")
        try await git("add", ".")
        try await git("commit", "-qm", "one")
        let linked = TemporaryDirectory.path + "/a b"
        try await git("worktree", "add", "-q", "-b", "other", linked)
        try Data("two".utf8).write(to: URL(filePath: linked + "/file"))
        let tree = try await WorkTree(
            around: linked,
            environment: environment.merging(["HOME": TemporaryDirectory.path]) { $1 }
        )
        #expect(try await files(of: tree.snapshot(message: "snap")) == ["file": "two"])
        let name = try await self.tree().repositoryUUID()
        #expect(try await tree.repositoryUUID() == name)
    }

    @Test("the repository's name is made once, and Agola's is kept")
    func repositoryName() async throws {
        try await makeTree()
        let first = try await tree().repositoryUUID()
        #expect(UUID(uuidString: first) != nil && first == first.lowercased())
        #expect(try await tree().repositoryUUID() == first)
        try await git("config", "--unset", "martlet.repouuid")
        try await git("config", "agola.repouuid", "123E4567-E89B-12D3-A456-426614174000")
        #expect(try await tree().repositoryUUID() == "123e4567-e89b-12d3-a456-426614174000")
    }

    @Test("what is no work tree is refused with what to do")
    func noTree() async throws {
        await #expect(throws: CommandFailure.self) {
            try await WorkTree(around: TemporaryDirectory.path, environment: environment)
        }
        try await git("init", "-q", "--bare", root, in: TemporaryDirectory.path)
        await #expect(throws: CommandFailure.self) { try await tree() }
    }

    @Test("a push sets any ref, over what was there, and runs no hook")
    func push() async throws {
        try await makeTree()
        let server = TemporaryDirectory.path + "/server.git"
        try await git("init", "-q", "--bare", server, in: TemporaryDirectory.path)
        try write(".git/hooks/pre-push", "#!/bin/sh\nexit 1\n")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(root)/.git/hooks/pre-push")
        for (content, ref) in [
            ("1", "refs/heads/main"), ("2", "refs/heads/main"), ("3", "refs/tags/v1"), ("4", "refs/pull/1/head"),
        ] {
            try write("file", content)
            let commit = try await tree().snapshot(message: "snap \(content)")
            try await tree().push(commit, to: ref, at: server, as: "ada", token: SecretValue("t"))
            #expect(try await git("rev-parse", ref, in: server) == commit)
        }
        await #expect(throws: CommandFailure.self) {
            try await tree().push("HEAD", to: "refs/heads/x", at: server + "none", as: "ada", token: SecretValue("t"))
        }
    }
}
