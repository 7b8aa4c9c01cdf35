import Base
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Model
import TestSupport
import Testing

@testable import GitService

@Suite("fetches by the real git, and questions about repositories", .temporaryDirectory, .timeLimit(.minutes(5)))
struct FetchTests {
    @Test("cloning speaks protocol version 2, or an older one when the client wants that", arguments: [0, 1, 2])
    func protocolVersions(version: Int) async throws {
        try await GitFixture.with { fixture in
            try await fixture.makeRepository("ada", "hello")
            let sha = try await fixture.makeTree("tree")
            try await fixture.git("push", "-q", fixture.url("ada/hello"), "main", in: "tree")
            let arguments = ["-c", "protocol.version=\(version)", "clone", "-q", fixture.url("ada/hello"), "copy"]
            try await fixture.git(arguments)
            #expect(try await fixture.head(of: "copy") == sha)
            let name = try #require(HTTPField.Name("Git-Protocol"))
            let headers: HTTPFields = [.authorization: "token internal", name: "version=\(version)"]
            let path = "/repos/ada/hello.git/info/refs?service=git-upload-pack"
            let reply = try await fixture.client.send(.init(.get, .unix(fixture.socketPath), path, headers: headers))
            let answer = String(decoding: try await reply.collect(), as: UTF8.self)
            #expect(answer.hasPrefix(version == 2 ? "000eversion 2\n" : "001e# service="))
            #expect(reply.headers[.contentType] == "application/x-git-upload-pack-advertisement")
        }
    }

    @Test("a shallow clone holds one commit, and a single commit can be fetched by name after the branch has moved on")
    func shallowAndExact() async throws {
        try await GitFixture.with { fixture in
            let url = fixture.url("ada/hello")
            try await fixture.makeRepository("ada", "hello")
            try await fixture.makeTree("tree")
            let lost = try await fixture.commit(in: "tree", content: "two\n")
            try await fixture.git("push", "-q", url, "main", in: "tree")
            try await fixture.git("commit", "-q", "--amend", "-m", "rewritten", in: "tree")
            try await fixture.git("push", "-q", "-f", url, "main", in: "tree")
            try await fixture.git("clone", "-q", "--depth", "1", url, "shallow")
            #expect(try await fixture.git("rev-list", "--count", "HEAD", in: "shallow").hasPrefix("1"))
            try await fixture.git("init", "-q", "exact")
            try await fixture.git("fetch", "-q", "--depth", "1", url, lost, in: "exact")
            try await fixture.git("checkout", "-q", "FETCH_HEAD", in: "exact")
            #expect(try await fixture.head(of: "exact") == lost)
        }
    }

    @Test("a fetch that says much about what it has is sent packed, and is understood")
    func packedRequest() async throws {
        try await GitFixture.with { fixture in
            let url = fixture.url("ada/hello")
            try await fixture.makeRepository("ada", "hello")
            try await fixture.makeTree("tree")
            for number in 0..<60 { try await fixture.commit(in: "tree", content: "\(number)\n") }
            try await fixture.git("push", "-q", url, "main", in: "tree")
            try await fixture.git("clone", "-q", url, "copy")
            for number in 0..<60 { try await fixture.commit(in: "copy", file: "mine", content: "\(number)\n") }
            let sha = try await fixture.commit(in: "tree", content: "newer\n")
            try await fixture.git("push", "-q", url, "main", in: "tree")
            try await fixture.git("fetch", "-q", "origin", in: "copy")
            #expect(try await fixture.git("rev-parse", "origin/main", in: "copy").hasPrefix(sha))
        }
    }

    @Test("files, commits and refs are answered, and 404 when they do not exist")
    func questions() async throws {
        try await GitFixture.with { fixture in
            let root = "/repos/ada/hello.git"
            try await fixture.makeRepository("ada", "hello")
            try await fixture.makeTree("tree", file: "with space", content: "hi\n")
            try FileManager.default.createSymbolicLink(
                atPath: "\(fixture.directory)/tree/link",
                withDestinationPath: "/etc/passwd"
            )
            let sha = try await fixture.commit(in: "tree", file: "file", content: "x\n", message: "one\n\ntwo")
            try await fixture.git("tag", "-a", "v1", "-m", "tagged", in: "tree")
            try await fixture.git("push", "-q", fixture.url("ada/hello"), "main", "main:topic/one", "v1", in: "tree")
            #expect(try await fixture.call(.get, "\(root)/raw/\(sha)/with%20space").1 == Array("hi\n".utf8))
            #expect(try await fixture.call(.get, "\(root)/raw/\(sha)/link").1 == Array("/etc/passwd".utf8))
            for missing in [
                "raw/\(sha)/none", "raw/\(sha)/file/below", "raw/\(String(repeating: "1", count: 40))/file",
            ] {
                #expect(try await fixture.call(.get, "\(root)/\(missing)").0 == 404, "\(missing)")
            }
            for name in [sha, "HEAD", "refs/heads/main", "refs/tags/v1"] {
                let (status, body) = try await fixture.call(.get, "\(root)/commit/\(name)")
                #expect(status == 200)
                let commit = try JSONCoding.decode(GitCommit.self, from: body)
                #expect(commit.sha == sha && commit.message == "one\n\ntwo")
            }
            for missing in ["none", "topic", "main/below"] {
                #expect(try await fixture.call(.get, "\(root)/commit/refs/heads/\(missing)").0 == 404, "\(missing)")
            }
            let refs = try JSONCoding.decode([GitRef].self, from: try await fixture.call(.get, "\(root)/refs").1)
            #expect(refs.map(\.name) == ["refs/heads/main", "refs/heads/topic/one", "refs/tags/v1"])
            #expect(try await fixture.call(.get, "/repos/ada/none.git/refs").0 == 404)
        }
    }

    @Test("a file over the limit is refused, one at the limit is not")
    func fileLimit() async throws {
        try await GitFixture.with { fixture in
            try await fixture.makeRepository("ada", "hello")
            try await fixture.makeTree(
                "tree",
                file: "fits",
                content: String(repeating: "x", count: GitObjects.fileLimit)
            )
            let sha = try await fixture.commit(
                in: "tree",
                file: "large",
                content: String(repeating: "x", count: GitObjects.fileLimit + 1)
            )
            try await fixture.git("push", "-q", fixture.url("ada/hello"), "main", in: "tree")
            #expect(
                try await fixture.call(.get, "/repos/ada/hello.git/raw/\(sha)/fits").1.count == GitObjects.fileLimit
            )
            #expect(try await fixture.call(.get, "/repos/ada/hello.git/raw/\(sha)/large").0 == 400)
        }
    }

    @Test("a repository can be made twice and removed twice; then it is gone with its hooks")
    func lifeOfARepository() async throws {
        try await GitFixture.with { fixture in
            try await fixture.makeRepository("ada", "hello", project: "p1")
            #expect(
                try await fixture.call(.post, "/repos", json: GitRepositoryCreation(owner: "ada", name: "hello")).0
                    == 201
            )
            #expect(try await fixture.call(.delete, "/repos/ada/hello.git").0 == 204)
            #expect(try await fixture.call(.delete, "/repos/ada/hello.git").0 == 204)
            #expect(try await fixture.call(.get, "/repos/ada/hello.git/refs").0 == 404)
            try await fixture.makeRepository("ada", "hello")
            try await fixture.makeTree("tree")
            try await fixture.git("push", "-q", fixture.url("ada/hello"), "main", in: "tree")
            try await fixture.makeRepository("ada", "other", project: "p2")
            try await fixture.git("push", "-q", fixture.url("ada/other"), "main", in: "tree")
            try await eventually("the other webhook") { !fixture.gateway.received.isEmpty }
            #expect(fixture.gateway.received.map(\.project) == ["p2"])
        }
    }

    @Test("without the internal token nothing is served")
    func token() async throws {
        try await GitFixture.with { fixture in
            let reply = try await fixture.client.send(
                .init(.get, .unix(fixture.socketPath), "/repos/ada/hello.git/refs")
            )
            #expect(reply.status == 401)
        }
    }
}
