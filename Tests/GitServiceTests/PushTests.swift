import Base
import Crypto
import FoundationEssentials
import HTTPTypes
import Model
import ServiceKit
import TestSupport
import Testing

@testable import GitService

@Suite("pushes by the real git", .temporaryDirectory, .timeLimit(.minutes(5)))
struct PushTests {
    @Test("a push is announced once, signed, with all there is to know")
    func announcedPush() async throws {
        try await GitFixture.with { fixture in
            try await fixture.makeRepository("ada", "hello", project: "p1")
            let sha = try await fixture.makeTree("tree")
            try await fixture.git("push", "-q", fixture.url("ada/hello"), "main", in: "tree")
            try await eventually("the webhook") { fixture.gateway.received.count == 1 }
            let received = try #require(fixture.gateway.received.first)
            #expect(received.project == "p1")
            #expect(received.event == "push")
            #expect(received.push.repositoryPath == "ada/hello")
            #expect(received.push.ref == "refs/heads/main")
            #expect(received.push.old == nil)
            #expect(received.push.new == sha)
            #expect(received.push.commit == sha)
            #expect(received.push.message == "a message")
            #expect(received.push.author == GitEvent.Person(name: "Ada", email: "ada@example.org"))
            #expect(received.push.pusher == UserID(GitFixture.user))
            let code = HMAC<SHA256>.authenticationCode(
                for: received.body,
                using: SymmetricKey(data: Data("s3cret".utf8))
            )
            let hex = code.map { String(Int($0) + 256, radix: 16).suffix(2) }.joined()
            #expect(received.signature == "sha256=\(hex)")
        }
    }

    @Test("a push is announced to every project that is bound, and to none that was unbound")
    func severalProjects() async throws {
        try await GitFixture.with { fixture in
            try await fixture.makeRepository("ada", "hello", project: "p1")
            for project in ["p2", "p3"] {
                let binding = GitHookBinding(projectID: ProjectID(project), secret: SecretValue("other"))
                try await fixture.call(.put, "/repos/ada/hello.git/hook", json: binding)
            }
            #expect(try await fixture.call(.delete, "/repos/ada/hello.git/hook/p2").0 == 204)
            try await fixture.makeTree("tree")
            try await fixture.git("push", "-q", fixture.url("ada/hello"), "main", in: "tree")
            try await eventually("the webhooks") { fixture.gateway.received.count == 2 }
            #expect(Set(fixture.gateway.received.map(\.project)) == ["p1", "p3"])
        }
    }

    @Test("what has no commit behind it, other refs and deletions are not announced")
    func silentPushes() async throws {
        try await GitFixture.with { fixture in
            let url = fixture.url("ada/hello")
            try await fixture.makeRepository("ada", "hello", project: "p1")
            try await fixture.makeTree("tree")
            try await fixture.git("push", "-q", url, "main", "main:refs/heads/gone", "main:refs/notes/x", in: "tree")
            try await fixture.git("push", "-q", url, ":gone", in: "tree")
            let blob = try await fixture.git("rev-parse", "HEAD:file", in: "tree").prefix(40)
            try await fixture.git("push", "-q", url, "\(blob):refs/tags/blob", in: "tree")
            try await fixture.git("tag", "-a", "v1", "-m", "one", in: "tree")
            try await fixture.git("push", "-q", url, "v1", in: "tree")
            try await eventually("the last webhook") {
                fixture.gateway.received.contains { $0.push.ref == "refs/tags/v1" }
            }
            #expect(
                fixture.gateway.received.map(\.push.ref).sorted() == [
                    "refs/heads/gone", "refs/heads/main", "refs/tags/v1",
                ]
            )
            let tag = try #require(fixture.gateway.received.last?.push)
            #expect(tag.new != tag.commit)
            #expect(try await fixture.head(of: "tree") == tag.commit)
        }
    }

    @Test("a forced push is announced with both ends; a refused one is not")
    func forcedPush() async throws {
        try await GitFixture.with { fixture in
            let url = fixture.url("ada/hello")
            try await fixture.makeRepository("ada", "hello", project: "p1")
            let first = try await fixture.makeTree("tree")
            try await fixture.git("push", "-q", url, "main", in: "tree")
            let other = try await fixture.makeTree("other", content: "unrelated\n")
            try await fixture.git("push", "-q", url, "main", in: "other", failing: true)
            try await fixture.git("push", "-q", "-f", url, "main", in: "other")
            try await eventually("the webhooks") { fixture.gateway.received.count == 2 }
            #expect(fixture.gateway.received.last?.push.old == first)
            #expect(fixture.gateway.received.last?.push.new == other)
            #expect(fixture.gateway.received.last?.push.compare == "\(first)..\(other)")
        }
    }

    @Test("a stale push that git refuses is not announced, even when the ref names what it wanted")
    func stalePush() async throws {
        try await GitFixture.with { fixture in
            let url = fixture.url("ada/hello")
            try await fixture.makeRepository("ada", "hello", project: "p1")
            let first = try await fixture.makeTree("tree")
            try await fixture.git("push", "-q", url, "main", in: "tree")
            let second = try await fixture.commit(in: "tree", content: "two\n")
            try await fixture.git("push", "-q", url, "main", in: "tree")
            let line = "\(first) \(second) refs/heads/main\0 report-status\n"
            let answer = try await fixture.receivePack(
                "ada/hello",
                PacketLine.encode(line) + Array("0000".utf8) + fixture.emptyPack
            )
            #expect(String(decoding: answer, as: UTF8.self).contains("ng refs/heads/main"))
            try await fixture.commit(in: "tree", content: "three\n")
            try await fixture.git("push", "-q", url, "main", in: "tree")
            try await eventually("the last webhook") { fixture.gateway.received.count >= 3 }
            #expect(fixture.gateway.received.count == 3)
        }
    }

    @Test("a large push arrives whole and memory does not grow with it")
    func largePush() async throws {
        try await GitFixture.with { fixture in
            try await fixture.makeRepository("ada", "big", project: "p1")
            try await fixture.makeTree("tree")
            var generator = SystemRandomNumberGenerator()
            let bytes = (0..<(6 << 20)).map { _ in generator.next() }.withUnsafeBytes { Data($0) }
            try bytes.write(to: URL(filePath: "\(fixture.directory)/tree/big"))
            try await fixture.git("add", ".", in: "tree")
            try await fixture.git("commit", "-q", "-m", "big", in: "tree")
            let before = try residentBytes()
            try await fixture.git("push", "-q", fixture.url("ada/big"), "main", in: "tree")
            #expect(try residentBytes() - before < 40 << 20, "48 MiB went through")
            try await fixture.git("clone", "-q", fixture.url("ada/big"), "copy")
            #expect(try Data(contentsOf: URL(filePath: "\(fixture.directory)/copy/big")) == bytes)
        }
    }

    @Test(
        "pushes to one repository at the same time all succeed and are announced in the order of their acknowledgement"
    )
    func concurrentPushes() async throws {
        try await GitFixture.with { fixture in
            try await fixture.makeRepository("ada", "hello", project: "p1")
            try await fixture.makeTree("tree")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<12 {
                    group.addTask {
                        try await fixture.git(
                            "push",
                            "-q",
                            fixture.url("ada/hello"),
                            "main:refs/heads/b\(number)",
                            in: "tree"
                        )
                    }
                }
                try await group.waitForAll()
            }
            try await eventually("the webhooks") { fixture.gateway.received.count == 12 }
            #expect(Set(fixture.gateway.received.map(\.push.ref)).count == 12)
            #expect(Set(fixture.gateway.received.map(\.id)).count == 12)
        }
    }

    @Test("a gateway that is down or refuses gets the same delivery again, and later ones of the branch stay behind it")
    func retriedDelivery() async throws {
        try await GitFixture.with { fixture in
            try await fixture.makeRepository("ada", "hello", project: "p1")
            fixture.gateway.refuse(with: [.internalServerError, .tooManyRequests, .badRequest])
            let first = try await fixture.makeTree("tree")
            try await fixture.git("push", "-q", fixture.url("ada/hello"), "main", in: "tree")
            let second = try await fixture.commit(in: "tree", content: "two\n")
            try await fixture.git("push", "-q", fixture.url("ada/hello"), "main", in: "tree")
            try await eventually("both webhooks") { fixture.gateway.received.count == 2 }
            #expect(fixture.gateway.received.map(\.push.new) == [first, second])
        }
    }

    @Test("a push larger than allowed is refused with git's own words and leaves nothing behind")
    func limitedPush() async throws {
        try await GitFixture.with(configure: { $0.maximumPushBytes = 100_000 }) { fixture in
            try await fixture.makeRepository("ada", "hello", project: "p1")
            try await fixture.makeTree("tree")
            let bytes = (0..<60_000).map { _ in UInt64.random(in: .min ... .max) }.withUnsafeBytes { Data($0) }
            try bytes.write(to: URL(filePath: "\(fixture.directory)/tree/big"))
            try await fixture.git("add", ".", in: "tree")
            try await fixture.git("commit", "-q", "-m", "big", in: "tree")
            let answer = try await fixture.git("push", fixture.url("ada/hello"), "main", in: "tree", failing: true)
            #expect(answer.contains("maximum allowed size"))
            #expect(try await fixture.call(.get, "/repos/ada/hello.git/refs").1 == Array("[]".utf8))
            #expect(fixture.gateway.received.isEmpty)
        }
    }

    @Test("a direct run's repository is made by the first push and announces nothing")
    func directRun() async throws {
        try await GitFixture.with { fixture in
            let path = "\(GitFixture.user)/123e4567-e89b-12d3-a456-426614174000"
            let sha = try await fixture.makeTree("tree")
            try await fixture.git("ls-remote", fixture.url(path), failing: true)
            try await fixture.git("push", "-q", "-f", fixture.url(path), "HEAD:refs/heads/main", in: "tree")
            let (status, file) = try await fixture.call(.get, "/repos/\(path).git/raw/\(sha)/file")
            #expect(status == 200)
            #expect(file == Array("content\n".utf8))
            let binding = GitHookBinding(projectID: ProjectID("p1"), secret: SecretValue("s"))
            #expect(try await fixture.call(.put, "/repos/\(path).git/hook", json: binding).0 == 400)
            #expect(fixture.gateway.received.isEmpty)
        }
    }

    @Test("the packs of many pushes are joined, and no commit is lost")
    func joinedPacks() async throws {
        try await GitFixture.with { fixture in
            let url = fixture.url("ada/hello")
            try await fixture.makeRepository("ada", "hello")
            let lost = try await fixture.makeTree("tree")
            for number in 0..<45 {
                try await fixture.git("commit", "-q", "--amend", "-m", "number \(number)", in: "tree")
                try await fixture.git("push", "-q", "-f", url, "main", in: "tree")
                if number == 0 { try await fixture.git("push", "-q", url, "\(lost):refs/heads/gone", in: "tree") }
            }
            try await fixture.git("push", "-q", url, ":gone", in: "tree")
            try await eventually("fewer packs") {
                let packs = "\(fixture.directory)/data/hosted/ada/hello.git/objects/pack"
                return try FileManager.default.contentsOfDirectory(atPath: packs).count { $0.hasSuffix(".pack") } < 40
            }
            #expect(try await fixture.call(.get, "/repos/ada/hello.git/raw/\(lost)/file").0 == 200)
            try await fixture.git("clone", "-q", url, "copy")
        }
    }

    private func residentBytes() throws -> Int {
        let text = String(decoding: try Data(contentsOf: URL(filePath: "/proc/self/statm")), as: UTF8.self)
        let pages = try #require(text.split(separator: " ").dropFirst().first.flatMap { Int($0) })
        return pages * 4096
    }
}
