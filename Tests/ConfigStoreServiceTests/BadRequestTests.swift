import Base
import Glibc
import HTTPTransport
import HTTPTypes
import Model
import TestSupport
import Testing
import WorkerClients

@testable import ConfigStoreService

@Suite(.storeDirectory, .timeLimit(.minutes(5)))
struct BadRequestTests {
    private static let writes: [(HTTPRequest.Method, String)] = [
        (.post, "/users"), (.put, "/users/alice/password"), (.post, "/users/alice/tokens"),
        (.post, "/authentication/password"),
        (.post, "/authentication/token"), (.post, "/projectgroups"), (.put, "/projectgroups/user%2Falice"),
        (.post, "/projects"),
        (.put, "/projects/user%2Falice%2Fhello"),
    ]

    @Test("bodies that are not the JSON expected are refused everywhere, and change nothing")
    func wrongBodies() async throws {
        try await ConfigStoreFixture.with { store in
            _ = try await store.client.create(UserCreation(name: "alice"))
            _ = try await store.createProject("hello")
            let before = try await snapshot(store)
            let bodies = [
                "", "{", "[]", "null", "1", "\"x\"", #"{"name":1,"parent":1,"password":1,"value":1}"#, "\u{FF}\u{FE}",
                "{\"name\":\"x\"\0}",
            ]
            for (method, path) in Self.writes {
                for body in bodies {
                    await expectRefusal(.badRequest, "invalidBody") {
                        try await send(store, method, path, Array(body.utf8))
                    }
                }
                await expectRefusal(.badRequest, "invalidBody") {
                    try await send(store, method, path, [0xFF, 0xFE, 0x00, 0x7B])
                }
                let nested = Array(repeating: UInt8(ascii: "["), count: 100_000)
                await expectRefusal(.badRequest, "invalidBody") { try await send(store, method, path, nested) }
            }
            #expect(try await snapshot(store) == before)
        }
    }

    @Test("bodies beyond a mebibyte are refused without being read whole")
    func oversizedBodies() async throws {
        try await ConfigStoreFixture.with { store in
            _ = try await store.client.create(UserCreation(name: "alice"))
            let name = String(repeating: "x", count: 2 << 20)
            for (method, path) in Self.writes {
                await expectRefusal(.badRequest, "bodyTooLarge") {
                    try await send(store, method, path, Array(#"{"name":"\#(name)"}"#.utf8))
                }
            }
            #expect(try await store.client.users().users.count == 1)
        }
    }

    @Test("a visibility that is none has a code of its own", arguments: ["", "Public", "secret"])
    func visibility(text: String) async throws {
        try await ConfigStoreFixture.with { store in
            _ = try await store.client.create(UserCreation(name: "alice"))
            _ = try await store.createProject("hello")
            let group = #"{"name":"a","parent":"user/alice","visibility":"\#(text)"}"#
            let project =
                #"{"name":"a","parent":"user/alice","visibility":"\#(text)","remoteSource":"local","repositoryPath":"alice/a","membersCanPerformRunActions":false,"passVariablesToForkedPullRequests":false}"#
            for (method, path, body) in [
                (HTTPRequest.Method.post, "/projectgroups", group), (.put, "/projectgroups/user%2Falice", group),
                (.post, "/projects", project),
                (.put, "/projects/user%2Falice%2Fhello", project),
            ] {
                await expectRefusal(.badRequest, "invalidVisibility") {
                    try await send(store, method, path, Array(body.utf8))
                }
            }
        }
    }

    @Test("references that are not well encoded are refused", arguments: ["%", "%2", "%zz", "%ff"])
    func encoding(reference: String) async throws {
        try await ConfigStoreFixture.with { store in
            for path in ["users", "projects", "projectgroups", "remotesources"] {
                await expectRefusal(.badRequest, "invalidRef") {
                    try await send(store, .get, "/\(path)/\(reference)", [])
                }
            }
        }
    }

    @Test("unknown routes and methods answer in our own words")
    func unknownRoutes() async throws {
        try await ConfigStoreFixture.with { store in
            for (method, path) in [
                (HTTPRequest.Method.get, "/nothing"), (.patch, "/users"), (.post, "/users/alice/tokens/x"),
                (.get, "/users/a/b/c"),
            ] {
                await expectRefusal(.notExist, "routeDoesNotExist") { try await send(store, method, path, []) }
            }
        }
    }

    @Test("without the internal token nothing is answered but health, and no sign-in is taken for wrong credentials")
    func internalToken() async throws {
        try await ConfigStoreFixture.with(token: SecretValue("between us")) { store in
            _ = try await store.client.create(UserCreation(name: "alice", password: SecretValue("correct horse")))
            for token in [nil, SecretValue("between u"), SecretValue("")] {
                let connection = ServiceConnection(client: store.http, endpoint: store.endpoint, token: token)
                let client = ConfigStoreClient(connection: connection)
                let kinds = [
                    await refusal { try await client.user("alice") }?.kind,
                    await refusal {
                        try await client.verifyPassword(name: "alice", password: SecretValue("correct horse"))
                    }?.kind,
                    await refusal { try await client.user(forToken: SecretValue("x")) }?.kind,
                ]
                #expect(kinds == [.unauthorized, .unauthorized, .unauthorized])
                for path in ["/healthz", "/readyz"] { try await connection.send(.get, path) }
            }
        }
    }

    @Test("the socket and the store are closed to strangers")
    func modes() async throws {
        try await ConfigStoreFixture.with { _ in
            for (name, mode) in [("c.sock", 0o660), ("data", 0o700), ("data/store.sqlite", 0o600)] {
                var status = stat()
                #expect(stat("\(TemporaryDirectory.path)/\(name)", &status) == 0)
                #expect(status.st_mode & 0o777 == mode, "\(name)")
            }
        }
    }

    private func send(
        _ store: ConfigStoreFixture,
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: [UInt8]
    ) async throws -> [UInt8] {
        try await store.connection.exchange(method, "/api/v1alpha\(path)", body: .bytes(body))
    }

    private func snapshot(_ store: ConfigStoreFixture) async throws -> [String] {
        let users = try await store.client.users().users.map(\.name)
        let groups = try await store.client.subgroups(of: "user/alice").map(\.path)
        let projects = try await store.client.projects(of: "user/alice").map { "\($0)" }
        return users + groups + projects + (try await store.client.tokens(ofUser: "alice").map(\.name))
    }
}
