import Base
import FoundationEssentials
import Glibc
import Store
import TestSupport
import Testing

@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct SealingKeyTests {
    private var keyFile: String { "\(TemporaryDirectory.path)/key" }

    @Test("a sealed secret opens with its key and context, and with no other")
    func seal() throws {
        let sealing = try SealingKey(path: keyFile)
        let sealed = try sealing.seal(SecretValue("top secret ü"), for: "project 1")
        #expect(!sealed.revealed.contains("top"))
        #expect(try sealing.open(sealed, for: "project 1") == SecretValue("top secret ü"))
        #expect(try SealingKey(path: keyFile).open(sealed, for: "project 1") == SecretValue("top secret ü"))
        #expect(try sealing.seal(SecretValue("top secret ü"), for: "project 1") != sealed)
        let other = try SealingKey(path: keyFile + "2")
        #expect(throws: Failure.self) { try sealing.open(sealed, for: "project 2") }
        #expect(throws: Failure.self) { try other.open(sealed, for: "project 1") }
    }

    @Test("a sealed secret that was changed anywhere does not open")
    func tampered() throws {
        let sealing = try SealingKey(path: keyFile)
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
        let sealings = try await withThrowingTaskGroup(of: SealingKey.self) { group in
            for _ in 0..<16 { group.addTask { try await BlockingPool.shared.run { try SealingKey(path: path) } } }
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
        #expect(throws: Failure.self) { try SealingKey(path: keyFile) }
        #expect(throws: Failure.self) { try SealingKey(path: "\(TemporaryDirectory.path)/none/key") }
    }
}
