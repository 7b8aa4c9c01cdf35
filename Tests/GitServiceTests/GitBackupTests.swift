import Base
import Crypto
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Model
import TestSupport
import Testing

@testable import GitService

@Suite("Repositories and outbox in a backup", .temporaryDirectory, .timeLimit(.minutes(3)))
struct GitBackupTests {
    private struct Listed: Decodable, Equatable {
        let path: String
        let head: String
    }

    private struct State: Decodable, Equatable {
        let isEmpty: Bool
        let backup: String?
    }

    private static let base = "/api/v1alpha/backup"

    private static func state(_ git: GitFixture) async throws -> State {
        try JSONCoding.decode(State.self, from: try await git.call(.get, "\(base)/restore").1)
    }

    private static func put(_ git: GitFixture, _ path: String, _ bytes: [UInt8]) async throws -> (Int, [UInt8]) {
        let call = HTTPCall(
            .put,
            .unix(git.socketPath),
            "\(base)/\(path)",
            headers: [.authorization: "token internal"],
            body: .bytes(bytes),
            deadline: .after(.seconds(60))
        )
        let reply = try await git.client.send(call)
        return (reply.status, try await reply.collect())
    }

    /// What one installation has.
    private struct Content: Sendable {
        var list: [UInt8] = []
        var bundles: [String: [UInt8]] = [:]
        var outbox: [UInt8] = []
        var lost = ""
    }

    /// A repository whose history was rewritten, an empty one, one on another branch, and one of direct runs.
    private static func fill(_ git: GitFixture) async throws -> Content {
        var content = Content()
        // Nobody takes the announcements here.
        git.gateway.refuse(with: Array(repeating: .serviceUnavailable, count: 100_000))
        try await git.makeRepository("ann", "app", project: "p1")
        try await git.makeRepository("ann-b", "app")
        try await git.call(.post, "/repos", json: GitRepositoryCreation(owner: "ann", name: "none", defaultBranch: "x"))
        content.lost = try await git.makeTree("tree")
        try await git.git("push", "-q", git.url("ann/app"), "main", in: "tree")
        try await git.git("commit", "-q", "--amend", "-m", "rewritten", in: "tree")
        try await git.git("tag", "-a", "v1", "-m", "a tag", in: "tree")
        try await git.git("push", "-q", "-f", git.url("ann/app"), "main", "v1", "main:refs/changes/1", in: "tree")
        try await git.git("push", "-q", git.url("ann-b/app"), "main:other", in: "tree")
        let direct = "\(GitFixture.user)/7ba7b810-9dad-41d1-80b4-00c04fd430c8"
        try await git.git("push", "-q", git.url(direct), "main:master", in: "tree")
        content.list = try await git.call(.get, "\(base)/repositories").1
        for path in ["ann/app", "ann-b/app", direct] {
            content.bundles[path] = try await git.call(.get, "\(base)/repositories/\(path)/bundle").1
        }
        #expect(try await git.call(.get, "\(base)/repositories/ann/none/bundle").0 == 204)
        #expect(try await git.call(.get, "\(base)/repositories/ann/gone/bundle").0 == 404)
        let second = try JSONCoding.decode(
            [Listed].self,
            from: try await git.call(.get, "\(base)/repositories?limit=1&after=ann-b/app").1
        )
        #expect(second == [Listed(path: "ann/app", head: "refs/heads/main")])
        content.outbox = try await git.call(.get, "\(base)/outbox").1
        #expect(try await state(git) == State(isEmpty: false, backup: nil))
        #expect(try await git.call(.put, "\(base)/restore/b1").0 == 400)
        return content
    }

    @Test("everything of one git server comes back in another: refs, HEAD, commits that no ref names, hooks")
    func roundTrip() async throws {
        let (contents, filled) = AsyncStream<Content>.makeStream()
        try await TemporaryDirectory.with { _ in
            try await GitFixture.with { filled.yield(try await Self.fill($0)) }
        }
        filled.finish()
        for await content in contents {
            try await GitFixture.with { git in
                try await Self.restore(content, git)
                try await Self.compare(content, git)
            }
        }
    }

    private static func restore(_ content: Content, _ git: GitFixture) async throws {
        #expect(try await state(git) == State(isEmpty: true, backup: nil))
        #expect(try await put(git, "outbox", content.outbox).0 == 400)
        #expect(try await git.call(.put, "\(base)/restore/b1").0 == 204)
        #expect(try await git.call(.put, "\(base)/restore/b2").0 == 400)
        #expect(try await put(git, "outbox", content.outbox).0 == 204)
        let list = try JSONCoding.decode([Listed].self, from: content.list)
        #expect(list.map(\.path).contains("ann/none") && list.count == 4)
        // A bundle that is not whole leaves no repository behind.
        let half = Array(content.bundles["ann/app"]?.dropLast(30) ?? [])
        let refusal = try await put(git, "repositories/ann/app/bundle?head=refs/heads/main", half)
        #expect(refusal.0 == 400 && String(decoding: refusal.1, as: UTF8.self).contains("invalidBundle"))
        #expect(try await git.call(.get, "\(base)/repositories").1 == Array("[]".utf8))
        // Twice, as a restore that broke off is repeated.
        for _ in 1...2 {
            for entry in list {
                let bytes = content.bundles[entry.path] ?? []
                #expect(try await put(git, "repositories/\(entry.path)/bundle?head=\(entry.head)", bytes).0 == 204)
            }
        }
        #expect(try await state(git) == State(isEmpty: false, backup: "b1"))
        #expect(try await git.call(.put, "\(base)/restore/b1").0 == 204)
        // Until its end nobody takes the server for whole: there is no push, and no backup.
        let push = "/repos/ann/app.git/info/refs?service=git-receive-pack"
        #expect(try await git.call(.get, push).0 == 503)
        #expect(try await git.call(.get, "\(base)/outbox").0 == 400)
        #expect(try await git.call(.delete, "\(base)/restore").0 == 204)
        #expect(try await put(git, "outbox", content.outbox).0 == 400)
    }

    private static func compare(_ content: Content, _ git: GitFixture) async throws {
        #expect(try await git.call(.get, "\(base)/repositories").1 == content.list)
        for (path, bundle) in content.bundles {
            let found = try await git.call(.get, "\(base)/repositories/\(path)/bundle").1
            #expect(head(found) == head(bundle))
        }
        // What nobody took before is announced now, signed with the secret of before.
        let pending = lines(content.outbox).filter { $0.delivery != nil }
        #expect(pending.count == 3)
        try await eventually("the pending pushes are announced", within: .seconds(60)) {
            git.gateway.received.count == pending.count
        }
        for received in git.gateway.received {
            let key = SymmetricKey(data: Data("s3cret".utf8))
            let signature = HMAC<SHA256>.authenticationCode(for: received.body, using: key)
            #expect(received.signature == "sha256=\(HexText.text(signature))")
        }
        try await eventually("the outbox holds nothing but the hook", within: .seconds(60)) {
            try await lines(git.call(.get, "\(base)/outbox").1).map { $0.hook?.project } == [ProjectID("p1")]
        }
        try await git.git("init", "-q", "new")
        try await git.git("fetch", "-q", git.url("ann/app"), content.lost, in: "new")
        try await git.git("clone", "-q", git.url("ann/app"), "clone")
        try await git.commit(in: "clone", content: "new\n")
        try await git.git("push", "-q", "origin", "main", in: "clone")
        #expect(try await git.git("log", "--format=%s", in: "clone").hasPrefix("a message\nrewritten"))
    }

    private static func lines(_ outbox: [UInt8]) -> [Outbox.BackupLine] {
        outbox.split(separator: UInt8(ascii: "\n")).compactMap { line in
            do {
                return try JSONCoding.decode(Outbox.BackupLine.self, from: line)
            } catch {
                Issue.record("\(error)")
                return nil
            }
        }
    }

    /// The refs of a bundle.
    private static func head(_ bundle: [UInt8]) -> String {
        let end = bundle.firstRange(of: Array("\n\nPACK".utf8))?.lowerBound ?? 0
        return String(decoding: bundle[..<end], as: UTF8.self)
    }
}
