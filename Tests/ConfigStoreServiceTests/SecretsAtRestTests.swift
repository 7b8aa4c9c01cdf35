import Base
import FoundationEssentials
import Model
import Store
import TestSupport
import Testing
import WorkerClients

@testable import ConfigStoreService

@Suite(.storeDirectory, .timeLimit(.minutes(5)))
struct SecretsAtRestTests {
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
