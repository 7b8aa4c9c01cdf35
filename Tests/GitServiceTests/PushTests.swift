import Base
import Crypto
import FoundationEssentials
import Model
import TestSupport
import Testing

@testable import GitService

@Suite("pushes and fetches by the real git", .temporaryDirectory, .timeLimit(.minutes(2)))
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
}
