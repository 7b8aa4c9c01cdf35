import Base
import HTTPTypes
import Model
import Store
import TestSupport
import Testing
import WorkerClients

@testable import ConfigStoreService

@Suite(.storeDirectory, .timeLimit(.minutes(5)))
struct TokenTests {
    @Test("a token's value is shown once and finds its user until the token is deleted")
    func life() async throws {
        try await ConfigStoreFixture.with { store in
            let client = store.client
            let alice = try await client.create(UserCreation(name: "alice"))
            let created = try await client.createToken(named: "ci", forUser: "alice")
            #expect(created.token.user == alice.id && created.token.name == "ci")
            #expect(try await client.user(forToken: created.value) == alice)
            #expect(try await client.tokens(ofUser: alice.id.text) == [created.token])
            try await client.deleteToken(named: "ci", ofUser: "alice")
            #expect(try await client.user(forToken: created.value) == nil)
            #expect(try await client.tokens(ofUser: "alice").isEmpty)
            await expectRefusal(.notExist, "userTokenDoesNotExist") {
                try await client.deleteToken(named: "ci", ofUser: "alice")
            }
        }
    }

    @Test("neither the list nor the store holds a token's value or a password")
    func valueIsNotStored() async throws {
        let value = try await ConfigStoreFixture.with { store in
            _ = try await store.client.create(UserCreation(name: "alice", password: SecretValue("correct horse")))
            let created = try await store.client.createToken(named: "ci", forUser: "alice")
            let answer = try await store.connection.exchange(.get, "/api/v1alpha/users/alice/tokens")
            #expect(!String(decoding: answer, as: UTF8.self).contains(created.value.revealed.suffix(64)))
            return created.value.revealed
        }
        let config = try await ConfigStore.open(
            directory: "\(TemporaryDirectory.path)/data",
            passwordCost: ConfigStoreFixture.cheap
        )
        let records = try await config.read("read every record") { view in
            try view.tx.rows("SELECT CAST(data AS TEXT) AS text FROM record").map { try $0.text("text") }
        }
        #expect(records.count == 6)
        for secret in [value, String(value.suffix(64)), "correct horse"] {
            #expect(!records.contains { $0.contains(secret) })
        }
    }

    @Test("names are unique for a user, not for all, and may be any text on one line")
    func names() async throws {
        try await ConfigStoreFixture.with { store in
            let client = store.client
            for name in ["alice", "bob"] { _ = try await client.create(UserCreation(name: name)) }
            let names = [
                "ci", "a/b", "my laptop", "ü%2F", "...", "'; DROP TABLE config_token; --", "🐦", "?x=1#y", "CI",
            ]
            for name in names { _ = try await client.createToken(named: name, forUser: "alice") }
            _ = try await client.createToken(named: "ci", forUser: "bob")
            await expectRefusal(.badRequest, "userTokenAlreadyExists") {
                try await client.createToken(named: "ci", forUser: "alice")
            }
            #expect(try await Set(client.tokens(ofUser: "alice").map(\.name)) == Set(names))
            for name in names { try await client.deleteToken(named: name, ofUser: "alice") }
            #expect(try await client.tokens(ofUser: "alice").isEmpty)
            #expect(try await client.tokens(ofUser: "bob").map(\.name) == ["ci"])
        }
    }

    @Test(
        "names that cannot stand in a path or on a line are refused",
        arguments: ["", ".", "..", "a\nb", "a\0", "\u{7F}", "\u{85}", "\u{2028}", String(repeating: "x", count: 101)]
    )
    func badNames(name: String) async throws {
        try await ConfigStoreFixture.with { store in
            _ = try await store.client.create(UserCreation(name: "alice"))
            await expectRefusal(.badRequest, "invalidUserTokenName") {
                try await store.client.createToken(named: name, forUser: "alice")
            }
        }
    }

    @Test("deleting a token named by dots deletes nothing else")
    func dots() async throws {
        try await ConfigStoreFixture.with { store in
            _ = try await store.client.create(UserCreation(name: "alice"))
            _ = try await store.client.createToken(named: "ci", forUser: "alice")
            for name in ["..", ".", ""] {
                await expectRefusal(.notExist, "userTokenDoesNotExist") {
                    try await store.client.deleteToken(named: name, ofUser: "alice")
                }
                // The same without the client's care.
                _ = await refusal {
                    try await store.connection.send(.delete, "/api/v1alpha/users/alice/tokens/\(name)")
                }
                await expectRefusal(.notExist, "userTokenDoesNotExist") {
                    try await store.connection.send(.delete, "/api/v1alpha/users/alice/tokens/%2E%2E")
                }
            }
            #expect(try await store.client.tokens(ofUser: "alice").map(\.name) == ["ci"])
        }
    }

    @Test("values that are no token's find nobody")
    func unknownValues() async throws {
        try await ConfigStoreFixture.with { store in
            _ = try await store.client.create(UserCreation(name: "alice"))
            let value = try await store.client.createToken(named: "ci", forUser: "alice").value.revealed
            let wrong = [
                "", "ci", "alice", value.uppercased(), value + " ", String(value.dropLast()),
                TokenValue.hash(SecretValue(value)),
            ]
            for text in wrong {
                #expect(try await store.client.user(forToken: SecretValue(text)) == nil)
            }
        }
    }

    @Test("tokens of a user who does not exist can neither be made nor listed nor deleted")
    func unknownUser() async throws {
        try await ConfigStoreFixture.with { store in
            for user in ["nobody", "", "..", "a23e4567-e89b-12d3-a456-426614174000", "a/b"] {
                await expectRefusal(.notExist, "userDoesNotExist") {
                    try await store.client.createToken(named: "ci", forUser: user)
                }
                await expectRefusal(.notExist, "userDoesNotExist") { try await store.client.tokens(ofUser: user) }
                await expectRefusal(.notExist, "userDoesNotExist") {
                    try await store.client.deleteToken(named: "ci", ofUser: user)
                }
            }
        }
    }
}
