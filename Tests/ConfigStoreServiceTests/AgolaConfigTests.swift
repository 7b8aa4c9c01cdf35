import Base
import FoundationEssentials
import Model
import Store
import TestSupport
import Testing
import WorkerClients

@testable import ConfigStoreService

@Suite("Users come from an export of Agola 0.7", .storeDirectory, .timeLimit(.minutes(5)))
struct AgolaConfigTests {
    private static let alice = "11111111-1111-4111-8111-000000000001"

    @Test("with their tokens and project groups, into an installation that goes on working")
    func imported() async throws {
        _ = try await ConfigStoreFixture.with { try await $0.client.create(UserCreation(name: "old", isAdmin: true)) }
        let summary = try await ConfigImportFixture.importing(AgolaFixture("configstore.txt").stream)
        #expect(
            summary.records == ["keycheck": 1, "remotesource": 1, "user": 2, "usertoken": 3, "projectgroup": 4]
        )
        // A service that starts in maintenance finds all it needs.
        _ = try await ConfigStore.open(
            directory: ConfigImportFixture.directory("data"),
            passwordCost: ConfigStoreFixture.cheap
        )
        try await ConfigImportFixture.endMaintenance()
        try await ConfigStoreFixture.with { store in
            let users = try await store.client.users().users
            #expect(users.map(\.name) == ["alice", "bob"])
            #expect(users.map(\.isAdmin) == [true, false])
            #expect(users.first?.id.text == Self.alice)
            for (value, name) in [("a", "alice"), ("c", "bob"), ("d", "bob")] {
                let token = SecretValue(String(repeating: value, count: 40))
                #expect(try await store.client.user(forToken: token)?.name == name)
            }
            for value in ["b", "e"] {
                #expect(try await store.client.user(forToken: SecretValue(String(repeating: value, count: 40))) == nil)
            }
            #expect(try await store.client.tokens(ofUser: "bob").map(\.name) == ["ci", "phone"])

            let deep = try await store.client.projectGroup("user/alice/libs/deep")
            #expect(deep.group.visibility == .private && deep.group.owner == .user(UserID(Self.alice)))
            #expect(try await store.client.subgroups(of: "user/alice").map(\.group.name) == ["libs"])
            #expect(try await store.client.projectGroup("user/bob").globalVisibility == .private)
            #expect(try await store.client.remoteSources().map(\.name) == ["local"])

            try await store.client.setPassword(SecretValue("a new password"), ofUser: "bob")
            #expect(
                try await store.client.verifyPassword(name: "bob", password: SecretValue("a new password"))?.name
                    == "bob"
            )
            #expect(try await store.createProject("hello", in: "user/alice/libs").path == "user/alice/libs/hello")
            _ = try await store.client.createToken(named: "new", forUser: "bob")
        }
    }

    @Test("what is not carried over is told, a sentence a kind")
    func warnings() async throws {
        let store = try await ConfigImportFixture.open()
        let key = try ConfigImportFixture.key()
        let fixture = try AgolaFixture("configstore.txt")
        let warnings = try await ConfigImportFixture.read(fixture.stream, by: store, key).summary.warnings
        #expect(
            warnings.dropFirst() == [
                "Agola has no passwords: users sign in with their tokens until an administrator sets one: 2.",
                "Linked accounts of users were left out: 1.",
                "Memberships in organizations were left out: 1.",
                "Organizations were left out: 1.",
                "Project groups of organizations were left out: 2.",
                "Project groups of users who were left out or are missing were left out: 3.",
                "Project groups whose names are not allowed here were left out with all below them: 2.",
                "Project groups whose parents are missing were left out: 1.",
                "Projects on forges were left out: 1.",
                "Remote sources were left out: 1.",
                "Secrets were left out: 1.",
                "Tokens whose names are not allowed here, or which are empty, were left out: 1.",
                "Users whose names are not allowed here were left out with all they own: 1.",
                "Variables were left out: 1.",
            ]
        )
        let tame = fixture.replacing(#","admin":true"#, with: "")
        let last = try await ConfigImportFixture.read(tame.stream, by: store, key).summary.warnings.last
        #expect(last == "None of the users is an administrator: make one with gateway.adminToken.")
    }

    @Test(
        "what cannot be right is refused with the position",
        arguments: [
            (#""name":"alice""#, #""name":"bob""#, "the name bob is taken twice"),
            (#""name":"alice","#, "", "cannot be read"),
            (#""id":"11111111-1111-4111-8111-000000000001""#, #""id":"1""#, "holds another id"),
            (#""type":"user""#, #""type":"team""#, "cannot be read"),
            (
                #"4111-8111-000000000002"},"visibility":"private""#,
                #"4111-8111-000000000001"},"visibility":"private""#, "two root"
            ),
            (#""visibility":"public""#, #""visibility":"secret""#, "cannot be read"),
            ("variable 9", "volume 9", "the type volume is unknown"),
        ]
    )
    func refused(text: String, other: String, sentence: String) async throws {
        let store = try await ConfigImportFixture.open()
        let fixture = try AgolaFixture("configstore.txt").replacing(text, with: other)
        let refusal = try await ConfigImportFixture.refusal(of: fixture.stream, by: store, ConfigImportFixture.key())
        #expect(refusal?.code == "invalidImport")
        #expect(refusal?.message.contains(sentence) == true, "\(refusal?.message ?? "accepted")")
    }

    @Test("a stream that was cut before a user's groups is refused")
    func cut() async throws {
        let store = try await ConfigImportFixture.open()
        let fixture = try AgolaFixture("configstore.txt").without("projectgroup").without("project ")
        let refusal = try await ConfigImportFixture.refusal(of: fixture.stream, by: store, ConfigImportFixture.key())
        #expect(refusal?.message.contains("has no root project group: the export is not whole") == true)
    }

    @Test("any damage is refused with the position or leaves a tree that can be read whole")
    func fuzz() async throws {
        let fixture = try AgolaFixture("configstore.txt")
        let store = try await ConfigImportFixture.open()
        let key = try ConfigImportFixture.key()
        var random = SeededGenerator.announced()
        var accepted: [ImportSource] = []
        for _ in 0..<120 {
            var damaged = fixture
            for _ in 0..<Int.random(in: 1...3, using: &random) { damaged = damaged.mutated(by: &random) }
            do {
                accepted.append(try await ConfigImportFixture.read(damaged.stream, by: store, key))
            } catch {
                let refusal = try #require(ErrorChain(error).first(APIError.self), "\(error)")
                #expect(refusal.code == "invalidImport" && refusal.message.hasPrefix("Line "), "\(refusal.message)")
            }
        }
        _ = try await store.setMaintenance(true)
        for source in accepted.prefix(8) {
            _ = try await ConfigImportFixture.open().authority.replaceAll(with: source, force: true)
            let config = try await ConfigStore.open(
                directory: ConfigImportFixture.directory("data"),
                passwordCost: ConfigStoreFixture.cheap
            )
            for user in try await config.users(UserQuery(limit: 0)).users {
                try await readAll(below: "user/\(user.name)", config)
                _ = try await config.tokens(ofUser: user.id.text)
            }
        }
    }

    private func readAll(below path: String, _ config: ConfigStore) async throws {
        #expect(try await config.projectGroup(path).path == path)
        for group in try await config.subgroups(of: path) { try await readAll(below: group.path, config) }
        #expect(try await config.projects(of: path).isEmpty)
    }
}
