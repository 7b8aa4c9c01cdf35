import Base
import FoundationEssentials
import ObjectStorage
import TestSupport
import Testing

@Suite("A base path", .temporaryDirectory, .timeLimit(.minutes(6)))
struct BasePathTests {
    @Test("keeps two services apart that share a store", arguments: ObjectStoreKind.available)
    func apart(_ kind: ObjectStoreKind) async throws {
        let whole = try await kind.open()
        let runs = try BasePathStore(whole, path: "ci/runs")
        let config = try BasePathStore(whole, path: "ci/run")
        try await runs.write("logs/1", bytes: [1])
        try await config.write("logs/1", bytes: [2, 2])
        try await whole.write("ci/runs-old", bytes: [])
        let file = "\(TemporaryDirectory.path)/spool"
        try AtomicFile.write([3, 3, 3], to: file)
        try await runs.adopt(file: file, as: "logs/2")
        #expect(try await runs.names() == ["logs/1", "logs/2"])
        #expect(try await runs.names(prefix: "logs/", after: "logs/1") == ["logs/2"])
        #expect(try await config.names() == ["logs/1"])
        #expect(try await config.read("logs/1", limit: 9) == [2, 2])
        #expect(
            try await runs.stat("logs/2")
                == ObjectFacts(
                    name: "logs/2",
                    size: 3,
                    modified: try await whole.stat("ci/runs/logs/2").modified
                )
        )
        try await runs.delete("logs/1")
        #expect(try await whole.names() == ["ci/run/logs/1", "ci/runs-old", "ci/runs/logs/2"])
    }

    @Test("cannot be left, and is a name itself")
    func walls() async throws {
        let whole = try await ObjectStoreKind.posix.open()
        let part = try BasePathStore(whole, path: "part")
        for name in ["", "../x", "/x", "..", "a/../../x"] {
            #expect(await kind { try await part.write(name, bytes: []) } == .invalidName, "\(name)")
        }
        for prefix in ["../", "/", "a/../../"] {
            #expect(await kind { _ = try await part.names(prefix: prefix) } == .invalidName, "\(prefix)")
        }
        for path in ["", "/", "a/", "/a", "..", "a//b"] {
            #expect(await kind { _ = try BasePathStore(whole, path: path) } == .invalidName, "\(path)")
        }
    }
}
