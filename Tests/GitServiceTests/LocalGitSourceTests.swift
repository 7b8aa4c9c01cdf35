import Base
import FoundationEssentials
import GitSources
import HTTPTransport
import HTTPTypes
import Model
import TestSupport
import Testing
import WorkerClients

@testable import GitService

@Suite("the gateway's client of the git server", .temporaryDirectory, .timeLimit(.minutes(5)))
struct LocalGitSourceTests {
    @Test("repositories are made, bound, read, and missing things are nil")
    func calls() async throws {
        try await GitFixture.with { fixture in
            let connection = ServiceConnection(
                client: fixture.client,
                endpoint: .unix(fixture.socketPath),
                token: SecretValue("internal")
            )
            let source = LocalGitSource(connection: connection)
            try await source.createRepository(GitRepositoryCreation(owner: "ada", name: "hello"))
            try await source.bind("ada/hello", to: ProjectID("p1"), secret: SecretValue("s"))
            let sha = try await fixture.makeTree("tree", file: "ü b", content: "x")
            try await fixture.git("push", "-q", fixture.url("ada/hello"), "main:refs/heads/a#b%c", in: "tree")
            #expect(try await source.file("ü b", at: sha, in: "ada/hello") == Array("x".utf8))
            #expect(try await source.file("none", at: sha, in: "ada/hello") == nil)
            #expect(try await source.file("ü b", at: sha, in: "ada/none") == nil)
            let first = try await source.firstFile(of: ["none", "ü b"], at: sha, in: "ada/hello")
            #expect(first?.path == "ü b" && first?.bytes == Array("x".utf8))
            #expect(try await source.firstFile(of: ["none", "nor this"], at: sha, in: "ada/hello") == nil)
            #expect(try await source.firstFile(of: ["ü b"], at: sha, in: "ada/none") == nil)
            #expect(try await source.commit("refs/heads/a#b%c", in: "ada/hello")?.sha == sha)
            #expect(try await source.commit("refs/heads/none", in: "ada/hello") == nil)
            #expect(try await source.refs(in: "ada/hello") == [GitRef(name: "refs/heads/a#b%c", sha: sha)])
            #expect(try await source.refs(in: "ada/none") == nil)
            await #expect(throws: Failure.self) { try await source.commit("main", in: "ada/hello") }
            await #expect(throws: Failure.self) { try await source.refs(in: "ada") }
            let headers: HTTPFields = [.accept: "*/*", .cookie: "secret"]
            let query = [("service", "git-upload-pack")]
            let reply = try await source.forward(
                .get,
                "ada/hello.git/info/refs",
                query: query,
                headers: headers,
                body: .none,
                user: nil
            )
            #expect(reply.status == 200)
            #expect(String(decoding: try await reply.collect(), as: UTF8.self).contains(sha))
            try await source.unbind("ada/hello", from: ProjectID("p1"))
            try await source.deleteRepository("ada/hello")
            #expect(try await source.refs(in: "ada/hello") == nil)
        }
    }
}
