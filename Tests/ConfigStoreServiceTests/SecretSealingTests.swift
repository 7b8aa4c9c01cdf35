import Base
import FoundationEssentials
import Glibc
import Model
import Store
import TestSupport
import Testing
import WorkerClients

@testable import ConfigStoreService

@Suite(.storeDirectory, .timeLimit(.minutes(2)))
struct SecretSealingTests {
    private var keyFile: String { "\(TemporaryDirectory.path)/key" }

    @Test("a sealed secret opens with its key and context, and with no other")
    func seal() throws {
        let sealing = try SecretSealing(keyFile: keyFile)
        let sealed = try sealing.seal(SecretValue("top secret ü"), for: "project 1")
        #expect(!sealed.revealed.contains("top"))
        #expect(try sealing.open(sealed, for: "project 1") == SecretValue("top secret ü"))
        #expect(try SecretSealing(keyFile: keyFile).open(sealed, for: "project 1") == SecretValue("top secret ü"))
        #expect(try sealing.seal(SecretValue("top secret ü"), for: "project 1") != sealed)
        let other = try SecretSealing(keyFile: keyFile + "2")
        #expect(throws: Failure.self) { try sealing.open(sealed, for: "project 2") }
        #expect(throws: Failure.self) { try other.open(sealed, for: "project 1") }
    }

    @Test("a sealed secret that was changed anywhere does not open")
    func tampered() throws {
        let sealing = try SecretSealing(keyFile: keyFile)
        let sealed = try sealing.seal(SecretValue("x"), for: "project 1")
        let bytes = try #require(Data(base64Encoded: sealed.revealed))
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1
            #expect(throws: Failure.self) {
                try sealing.open(SecretValue(changed.base64EncodedString()), for: "project 1")
            }
        }
        for text in ["", "x", "AAAA", bytes.dropLast().base64EncodedString(), "not base64!"] {
            #expect(throws: Failure.self) { try sealing.open(SecretValue(text), for: "project 1") }
        }
    }

    @Test("many that start at once agree on one key, which only its owner may read")
    func firstStart() async throws {
        let path = keyFile
        let sealings = try await withThrowingTaskGroup(of: SecretSealing.self) { group in
            for _ in 0..<16 { group.addTask { try await BlockingPool.shared.run { try SecretSealing(keyFile: path) } } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let sealed = try sealings[0].seal(SecretValue("x"), for: "project 1")
        for sealing in sealings { #expect(try sealing.open(sealed, for: "project 1") == SecretValue("x")) }
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600 && status.st_size == 32)
        #expect(try FileManager.default.contentsOfDirectory(atPath: TemporaryDirectory.path) == ["key"])
    }

    @Test("a key file of another size and a directory that is not there are failures")
    func badKeyFile() throws {
        try Data(repeating: 1, count: 31).write(to: URL(filePath: keyFile))
        #expect(throws: Failure.self) { try SecretSealing(keyFile: keyFile) }
        #expect(throws: Failure.self) { try SecretSealing(keyFile: "\(TemporaryDirectory.path)/none/key") }
    }

    @Test("the database alone does not give a webhook secret away, and a store without its key does not start")
    func atRest() async throws {
        let directory = "\(TemporaryDirectory.path)/data"
        let project = try await ConfigStoreFixture.with { store in
            _ = try await store.client.create(UserCreation(name: "alice"))
            return try await store.createProject("hello")
        }
        let config = try await ConfigStore.open(directory: directory, passwordCost: ConfigStoreFixture.cheap)
        let secret = project.project.webhookSecret.revealed
        let found = try await config.read("read every record") { view in
            try view.tx.rows("SELECT CAST(data AS TEXT) AS text FROM record").filter {
                try $0.text("text").contains(secret)
            }.count
        }
        #expect(found == 0)
        #expect(try await config.project(project.path) == project)
        try FileManager.default.removeItem(atPath: "\(directory)/key")
        await #expect(throws: Failure.self) {
            try await ConfigStore.open(directory: directory, passwordCost: ConfigStoreFixture.cheap)
        }
    }
}
