import Base
import FoundationEssentials
import HTTPTypes
import Model
import ServiceKit
import TestSupport
import Testing
import WorkerClients

@Suite("What is somebody's own", .temporaryDirectory, .timeLimit(.minutes(5)))
struct OwnershipTests {
    private let refs = "/repos/ann/hello.git/info/refs?service=git-upload-pack"

    private func basic(_ name: String, _ secret: String) -> HTTPFields {
        [.authorization: "Basic \(Data("\(name):\(secret)".utf8).base64EncodedString())"]
    }

    private func signIn(_ gateway: GatewayFixture, _ user: TestUser, origin: String? = nil) async throws -> Answer {
        var headers = HTTPFields()
        headers[.origin] = origin
        return try await gateway.call(
            .post,
            "auth/login",
            headers: headers,
            json: #"{"remote_source_name":"local","login_name":"\#(user.user.name)","password":"\#(user.password)"}"#
        )
    }

    @Test("a session that is remembered is no password or token that spells the same")
    func rememberedKinds() async throws {
        try await GatewayFixture.with { gateway in
            let ann = try await gateway.makeUser("ann")
            try await gateway.makeProject("hello", of: ann)
            let cookies = try await signIn(gateway, ann).cookies.map { "\($0)=\($1)" }.joined(separator: "; ")
            let headers: HTTPFields = [.cookie: cookies]
            #expect(try await gateway.call(.get, "user", headers: headers).status == 200)
            #expect(try await gateway.call(.get, refs, headers: basic("ann", ann.password)).status == 200)
            for guess in [
                "session\u{0}\(ann.user.id)", "session", "\(ann.user.id)", "7:session36:\(ann.user.id)",
                "ann\u{0}\(ann.password)", "8:password",
            ] {
                #expect(try await gateway.call(.get, refs, headers: basic("ann", guess)).status == 401, "\(guess)")
            }
        }
    }

    @Test("other sites sign nobody in")
    func foreignSignIn() async throws {
        try await GatewayFixture.with {
            $0.allowedOrigins = ["https://ui.example.org"]
        } _: { gateway in
            let ann = try await gateway.makeUser("ann")
            for origin in ["http://evil.example.org", "null", ""] {
                let refused = try await signIn(gateway, ann, origin: origin)
                #expect(refused.status == 403, "\(origin)")
                #expect(refused.headers[values: .setCookie].isEmpty)
            }
            for origin in [nil, "http://localhost", "https://ui.example.org"] {
                #expect(try await signIn(gateway, ann, origin: origin).status == 201)
            }
        }
    }

    @Test("a user who is deleted leaves no repository to a later user of the same name")
    func deletedUser() async throws {
        try await GatewayFixture.with { gateway in
            let admin = GatewayFixture.adminToken
            let ann = try await gateway.makeUser("ann")
            try await gateway.makeProject("hello", of: ann)
            #expect(try await gateway.call(.delete, "users/ann", token: admin).code == "userOwnsProjects")
            #expect(try await gateway.call(.get, refs, token: nil, headers: basic("ann", ann.password)).status == 200)
            #expect(try await gateway.call(.delete, "projects/user%2Fann%2Fhello", token: ann.token).status == 204)
            #expect(try await gateway.call(.delete, "users/ann", token: admin).status == 204)
            #expect(try await gateway.call(.get, "user", token: ann.token).status == 401)
            let hosted = "\(gateway.directory)/git/hosted"
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(hosted)/ann").isEmpty)
            let again = #"{"username":"ann","password":"another one"}"#
            #expect(try await gateway.call(.post, "users", token: admin, json: again).status == 201)
            #expect(try await gateway.call(.get, refs, headers: basic("ann", "another one")).status == 404)
        }
    }

    @Test("a name whose repositories could not be removed is given to nobody until they are")
    func leftRepositories() async throws {
        try await GatewayFixture.with { gateway in
            let admin = GatewayFixture.adminToken
            let left = "\(gateway.directory)/git/hosted/carol/old.git"
            try FileManager.default.createDirectory(atPath: left, withIntermediateDirectories: true)
            let carol = #"{"username":"carol"}"#
            let refused = try await gateway.call(.post, "users", token: admin, json: carol)
            #expect(refused.code == "userRepositoriesLeft")
            #expect(try await gateway.call(.delete, "users/carol", token: admin).code == "userDoesNotExist")
            #expect(!FileManager.default.fileExists(atPath: left))
            #expect(try await gateway.call(.post, "users", token: admin, json: carol).status == 201)
            for name in ["", ".", "..", "a/b", "-x", "6ba7b810-9dad-41d1-80b4-00c04fd430c8"] {
                let answer = try await gateway.call(.post, "users", token: admin, json: #"{"username":"\#(name)"}"#)
                #expect(answer.code == "invalidUserName", "\(name): \(answer)")
            }
        }
    }

    @Test("not even an administrator gives one user's repository to another's project, or moves a project away from it")
    func foreignRepository() async throws {
        try await GatewayFixture.with { gateway in
            let root = try await gateway.makeUser("root", isAdmin: true)
            let ann = try await gateway.makeUser("ann")
            _ = try await gateway.makeUser("bob")
            try await gateway.makeProject("hello", of: ann)
            func create(_ name: String, in parent: String, of repository: String) async throws -> Answer {
                let json = """
                    {"name":"\(name)","parent_ref":"\(parent)","visibility":"public","repo_path":"\(repository)",\
                    "remote_source_name":"local"}
                    """
                return try await gateway.call(.post, "projects", token: root.token, json: json)
            }
            #expect(try await create("x", in: "user/bob", of: "ann/hello").status == 403)
            #expect(try await create("x", in: "user/root", of: "ann/hello").status == 403)
            #expect(try await create("x", in: "user/bob", of: "nobody/hello").status == 403)
            #expect(try await create("x", in: "user/bob", of: "bob/x").status == 201)
            let path = "projects/user%2Fann%2Fhello"
            let away = #"{"parent_ref":"user/bob"}"#
            let moved = try await gateway.call(.put, path, token: root.token, json: away)
            #expect(moved.code == "cannotChangeProjectOwner")
            #expect(try await gateway.call(.get, path, token: ann.token).status == 200)
        }
    }
}
