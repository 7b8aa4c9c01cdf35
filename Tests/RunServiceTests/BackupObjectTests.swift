import Base
import FoundationEssentials
import HTTPTypes
import TestSupport
import Testing
import WorkerClients

@Suite("Logs and archives for a backup", .temporaryDirectory, .timeLimit(.minutes(2)))
struct BackupObjectTests {
    @Test("whoever asks for them while the storage cannot be used is told so, and to come again")
    func unavailable() async throws {
        try await RunServiceFixture.with { fixture in
            // A file in place of the directory: whatever is looked for below it is an error, not absent.
            let path = "\(TemporaryDirectory.path)/objects"
            try FileManager.default.removeItem(atPath: path)
            try Data().write(to: URL(filePath: path))
            for target in ["objects", "objects/logs/a/data/setup.log", "restore"] {
                let error = await #expect(throws: (any Error).self, "\(target)") {
                    try await fixture.connection.exchange(.get, "/api/v1alpha/backup/\(target)")
                }
                let remote = error.flatMap { ErrorChain($0).first(RemoteError.self) }
                #expect(remote?.kind == .unavailable && remote?.code == "objectStorageUnavailable", "\(target)")
            }
        }
    }
}
