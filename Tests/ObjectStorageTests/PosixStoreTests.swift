import Base
import Foundation
import ObjectStorage
import TestSupport
import Testing

@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct PosixStoreTests {
    @Test("files and directories are private, and empty directories go with their last object")
    func modes() async throws {
        let store = try await open()
        try await store.write("a/b/c", bytes: [1])
        for (path, mode) in [
            ("data/a/b/c", 0o600), ("data/a/b", 0o700), ("data/a", 0o700), ("data", 0o700), ("tmp", 0o700),
        ] {
            let facts = try FileManager.default.attributesOfItem(atPath: "\(TemporaryDirectory.path)/\(path)")
            #expect(facts[.posixPermissions] as? Int == mode, "\(path)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(TemporaryDirectory.path)/tmp").isEmpty)
        try await store.delete("a/b/c")
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(TemporaryDirectory.path)/data").isEmpty)
    }

    @Test("a write that fails leaves no temporary file")
    func failedWrite() async throws {
        struct Broken: Error {}
        let store = try await open()
        _ = await kind { try await store.write("a", size: 5, body: Chunks([1])) }
        await #expect(throws: Failure.self) {
            try await store.write("a", size: nil, body: Chunks([1], error: Broken()))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(TemporaryDirectory.path)/tmp").isEmpty)
    }

    @Test("opening removes what interrupted writes left long ago, and spares what is being written")
    func abandoned() async throws {
        _ = try await open()
        let temporary = "\(TemporaryDirectory.path)/tmp"
        let yesterday = Date().addingTimeInterval(-25 * 3600)
        for name in ["old", "held", "new"] {
            try AtomicFile.write([1], to: "\(temporary)/\(name)")
            if name == "new" { continue }
            try FileManager.default.setAttributes([.modificationDate: yesterday], ofItemAtPath: "\(temporary)/\(name)")
        }
        let held = Glibc.open("\(temporary)/held", O_RDONLY)
        defer { close(held) }
        try #require(flock(held, LOCK_EX) == 0)
        _ = try await open()
        #expect(try FileManager.default.contentsOfDirectory(atPath: temporary).sorted() == ["held", "new"])
    }

    @Test("links, sockets and pipes among the files are nobody's objects")
    func strangers() async throws {
        let store = try await open()
        let data = "\(TemporaryDirectory.path)/data"
        try AtomicFile.write([1, 2, 3], to: "\(TemporaryDirectory.path)/secret")
        try FileManager.default.createSymbolicLink(
            atPath: "\(data)/link",
            withDestinationPath: "\(TemporaryDirectory.path)/secret"
        )
        try FileManager.default.createSymbolicLink(
            atPath: "\(data)/dirlink",
            withDestinationPath: TemporaryDirectory.path
        )
        try #require(mkfifo("\(data)/pipe", 0o600) == 0)
        #expect(try await store.names().isEmpty)
        for name in ["link", "pipe", "dirlink"] {
            #expect(await kind { _ = try await store.open(name) } == .notExist, "\(name)")
            #expect(await kind { _ = try await store.stat(name) } == .notExist, "\(name)")
        }
    }

    @Test(
        "a file of another file system is copied in, and then removed",
        .enabled(if: FileManager.default.isWritableFile(atPath: "/dev/shm"), "needs a second file system at /dev/shm")
    )
    func otherFileSystem() async throws {
        let store = try await open()
        let source = "/dev/shm/martlet-test-\(UInt64.random(in: .min ... .max))"
        let bytes = (0..<600_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        try AtomicFile.write(bytes, to: source)
        try await store.adopt(file: source, as: "a/b")
        #expect(try await store.read("a/b", limit: 1 << 20) == bytes)
        #expect(!FileManager.default.fileExists(atPath: source))
        #expect(await kind { _ = try await store.read("a/b", limit: 599_999) } == .tooLarge)
    }

    @Test("directories that an interrupted write left behind are in nobody's way")
    func emptyDirectories() async throws {
        let store = try await open()
        let data = "\(TemporaryDirectory.path)/data"
        try FileManager.default.createDirectory(atPath: "\(data)/a/b/c", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: "\(data)/a/d", withIntermediateDirectories: true)
        try await store.write("a", bytes: [1])
        #expect(try await store.names() == ["a"])
        try FileManager.default.createDirectory(atPath: "\(data)/x/y", withIntermediateDirectories: true)
        try await store.write("x/z", bytes: [1])
        #expect(await kind { try await store.write("x", bytes: [1]) } == .clash)
    }

    @Test("a place that cannot hold objects is refused")
    func badPlace() async throws {
        for path in ["/dev/null/objects", "/proc/objects"] {
            #expect(await kind { _ = try await PosixStore.open(path: path, pool: pool) } == .unavailable, "\(path)")
        }
    }

    private func open() async throws -> PosixStore {
        try await PosixStore.open(path: TemporaryDirectory.path, pool: pool)
    }
}
