import Base
import FoundationEssentials
import HTTPTypes
import Model
import TestSupport
import Testing
import WorkerClients

@Suite("Repositories and webhooks", .temporaryDirectory, .timeLimit(.minutes(5)))
struct RepositoryAccessTests {
    private func basic(_ name: String, _ secret: String) -> HTTPFields {
        [.authorization: "Basic \(Data("\(name):\(secret)".utf8).base64EncodedString())"]
    }

    private let refs = "/repos/ann/hello.git/info/refs?service=git-upload-pack"
    private let writing = "/repos/ann/hello.git/info/refs?service=git-receive-pack"

    @Test("are open to their owner by password or token, and to nobody else")
    func owners() async throws {
        try await GatewayFixture.with { gateway in
            let ann = try await gateway.makeUser("ann")
            let bob = try await gateway.makeUser("bob")
            try await gateway.makeProject("hello", of: ann)
            let anonymous = try await gateway.call(.get, refs)
            #expect(anonymous.status == 401)
            #expect(anonymous.headers[.wwwAuthenticate]?.hasPrefix("Basic") == true)
            for secret in [ann.password, ann.token.revealed] {
                #expect(try await gateway.call(.get, refs, headers: basic("ann", secret)).status == 200)
                #expect(try await gateway.call(.get, writing, headers: basic("ann", secret)).status == 200)
            }
            #expect(try await gateway.call(.get, refs, headers: basic("ann", "wrong")).status == 401)
            #expect(try await gateway.call(.get, refs, headers: basic("bob", ann.token.revealed)).status == 401)
            #expect(try await gateway.call(.get, refs, headers: basic("bob", bob.password)).status == 403)
            for broken in ["Basic", "Basic ###", "Basic \(Data([0xFF, 0xFE]).base64EncodedString())", "Digest x"] {
                #expect(try await gateway.call(.get, refs, headers: [.authorization: broken]).status == 401)
            }
        }
    }

    @Test(
        "have no other doors",
        arguments: [
            "/repos/", "/repos/ann", "/repos/ann/hello", "/repos/ann/hello.git",
            "/repos/ann/hello.git/objects/info/packs",
            "/repos/ann/hello.git/hook", "/repos/../config/info/refs?service=git-upload-pack",
            "/repos/ann/..%2F..%2Fx.git/info/refs?service=git-upload-pack", "/repos/ann/hello.git/info/refs",
            "/repos/ann/hello.git/info/refs?service=git-upload-archive",
            "/repos/ann%00/hello.git/info/refs?service=git-upload-pack",
        ]
    )
    func doors(_ path: String) async throws {
        try await GatewayFixture.with { gateway in
            let ann = try await gateway.makeUser("ann")
            try await gateway.makeProject("hello", of: ann)
            let answer = try await gateway.call(.get, path, headers: basic("ann", ann.password))
            #expect([400, 403, 404].contains(answer.status), "\(path): \(answer)")
        }
    }

    @Test("a webhook with a missing or wrong signature, body, event or project makes nothing")
    func webhooks() async throws {
        try await GatewayFixture.with { gateway in
            let ann = try await gateway.makeUser("ann")
            try await gateway.makeProject("hello", of: ann)
            let id = try await gateway.configstore.project("user/ann/hello").project.id
            let names = (
                event: try #require(HTTPField.Name("X-Martlet-Event")),
                delivery: try #require(HTTPField.Name("X-Martlet-Delivery")),
                signature: try #require(HTTPField.Name("X-Martlet-Signature"))
            )
            let wrong: HTTPFields = [
                names.event: "push", names.delivery: "1",
                names.signature: "sha256=\(String(repeating: "0", count: 64))",
            ]
            let unsigned: HTTPFields = [names.event: "push", names.delivery: "1"]
            for headers in [wrong, unsigned, [:]] {
                let answer = try await gateway.call(.post, "/webhooks?projectid=\(id)", headers: headers, json: "{}")
                #expect(answer.status == 400)
                #expect(answer.code == "invalidSignature")
            }
            #expect(try await gateway.call(.post, "/webhooks", json: "{}").status == 400)
            #expect(
                try await gateway.call(.post, "/webhooks?projectid=nothing", headers: wrong, json: "{}").status == 404
            )
            let runs = try await gateway.call(.get, "projects/user%2Fann%2Fhello/runs", token: ann.token)
            #expect(runs.text == "[]")
        }
    }
}
