import Base
import Foundation
import ObjectStorage
import TestSupport
import Testing

@Suite(.temporaryDirectory, .timeLimit(.minutes(6)))
struct ObjectStoreContractTests {
    private static let tree = [
        "em/file01", "em/file02", "em/file03", "em/file05", "em/file01a", "em/file01b", "em/file04/a", "em/file04/b",
        "em/file041", "em/file042/a", "em/file01-x", "em/file03.d/z", "other/a", "em2",
    ]

    @Test("what was written is read back, whole and in ranges", arguments: ObjectStoreKind.available)
    func writtenIsRead(_ kind: ObjectStoreKind) async throws {
        let store = try await kind.open()
        let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let written = try await store.write("logs/t1/data/setup.log", size: nil, body: Chunks(bytes))
        #expect(written == 10_000)
        let reader = try await store.open("logs/t1/data/setup.log")
        #expect(reader.size == 10_000)
        #expect(try await reader.read(0..<10_000) == bytes)
        #expect(try await reader.read(9_990..<20_000) == Array(bytes[9_990...]))
        #expect(try await reader.read(20_000..<30_000).isEmpty)
        var chunked: [UInt8] = []
        for try await chunk in reader.chunks(5..<9_005, of: 1_000) {
            #expect(chunk.count == 1_000)
            chunked += chunk
        }
        #expect(chunked == Array(bytes[5..<9_005]))
        #expect(try await store.stat("logs/t1/data/setup.log").size == 10_000)
    }

    @Test("a size takes that many bytes and no more", arguments: ObjectStoreKind.available)
    func sizeIsTaken(_ kind: ObjectStoreKind) async throws {
        let store = try await kind.open()
        let bytes = [UInt8](repeating: 7, count: 10_000)
        #expect(try await store.write("a", size: 10_000, body: Chunks(bytes)) == 10_000)
        #expect(try await store.write("a", size: 800, body: Chunks(bytes)) == 800)
        #expect(try await store.read("a", limit: 1 << 20).count == 800)
        #expect(try await store.write("a", size: 0, body: Chunks(bytes)) == 0)
        #expect(try await store.read("a", limit: 1 << 20).isEmpty)
    }

    @Test("of a body that is longer than its size, the rest is left unread", arguments: ObjectStoreKind.available)
    func restIsUnread(_ kind: ObjectStoreKind) async throws {
        let store = try await kind.open()
        let body = Countdown(chunks: 100)
        #expect(try await store.write("a", size: 800, body: body) == 800)
        #expect(body.rest == 92)
        #expect(try await store.write("a", size: 0, body: body) == 0)
        #expect(body.rest == 92)
        #expect(try await store.write("a", size: nil, body: body) == 9_200)
    }

    @Test("a body that is too short, fails or is cancelled leaves nothing", arguments: ObjectStoreKind.available)
    func failedWrites(_ kind: ObjectStoreKind) async throws {
        struct Broken: Error {}
        let store = try await kind.open()
        let short = await ObjectStorageTests.kind { try await store.write("x/a", size: 10, body: Chunks([1])) }
        #expect(short == .shortWrite)
        await #expect(throws: Failure.self) {
            try await store.write("x/b", size: nil, body: Chunks([1, 2], error: Broken()))
        }
        let (endless, feed) = AsyncStream.makeStream(of: [UInt8].self)
        feed.yield([1, 2, 3])
        let writing = Task { try await store.write("x/c", size: nil, body: endless) }
        writing.cancel()
        await #expect(throws: CancellationError.self) { try await writing.value }
        #expect(try await store.names().isEmpty)
    }

    @Test(
        "a name written again is replaced whole, and an open reader gets the old content or an error",
        arguments: ObjectStoreKind.available
    )
    func replacement(_ kind: ObjectStoreKind) async throws {
        let store = try await kind.open()
        try await store.write("a/b", bytes: Array("old content".utf8))
        let reader = try await store.open("a/b")
        try await store.write("a/b", bytes: Array("new".utf8))
        if kind == .s3 {
            for range in [Int64(0)..<11, 0..<2, 4..<9] {
                #expect(await ObjectStorageTests.kind { _ = try await reader.read(range) } == .replaced)
            }
        } else {
            #expect(try await reader.read(0..<11) == Array("old content".utf8))
        }
        #expect(try await store.read("a/b", limit: 100) == Array("new".utf8))
    }

    @Test("what is missing is told apart, also when it is the parent of objects", arguments: ObjectStoreKind.available)
    func missing(_ kind: ObjectStoreKind) async throws {
        let store = try await kind.open()
        try await store.write("dir/object", bytes: [1])
        for name in ["nothing", "dir", "dir/object/below", "dir/nothing"] {
            #expect(await ObjectStorageTests.kind { _ = try await store.open(name) } == .notExist, "\(name)")
            #expect(await ObjectStorageTests.kind { _ = try await store.stat(name) } == .notExist, "\(name)")
            #expect(try await store.delete(name) != true, "\(name)")
            #expect(try await !store.exists(name), "\(name)")
        }
        #expect(try await store.delete("dir/object") != false)
        #expect(try await store.names().isEmpty)
        #expect(ObjectStorageError.isNotExist(Failure("x", cause: ObjectStorageError(.notExist, name: "n"))))
    }

    @Test("an object is the parent of others or not, as the backend can", arguments: ObjectStoreKind.available)
    func clash(_ kind: ObjectStoreKind) async throws {
        let store = try await kind.open()
        try await store.write("a/b", bytes: [1])
        if kind.isHierarchy {
            #expect(await ObjectStorageTests.kind { try await store.write("a", bytes: [2]) } == .clash)
            #expect(await ObjectStorageTests.kind { try await store.write("a/b/c", bytes: [2]) } == .clash)
            #expect(try await store.names() == ["a/b"])
        } else {
            try await store.write("a", bytes: [2])
            try await store.write("a/b/c", bytes: [3])
            #expect(try await store.names() == ["a", "a/b", "a/b/c"])
            #expect(try await store.read("a/b", limit: 1) == [1])
        }
    }

    @Test("hostile names are refused before anything is touched", arguments: ObjectStoreKind.available)
    func hostileNames(_ kind: ObjectStoreKind) async throws {
        let store = try await kind.open()
        let names = [
            "", "/", "/etc/passwd", "..", "../x", "a/../../x", "a/..", ".", "./a", "a/./b", "a//b", "a/", "a\0b",
            "a\nb", "\u{7f}",
            "a\u{85}b", "e\u{301}", String(repeating: "a", count: 256), String(repeating: "ab/", count: 342) + "c",
        ]
        for name in names {
            #expect(
                await ObjectStorageTests.kind { try await store.write(name, bytes: [1]) } == .invalidName,
                "\(name.debugDescription)"
            )
            #expect(await ObjectStorageTests.kind { _ = try await store.open(name) } == .invalidName)
            #expect(await ObjectStorageTests.kind { _ = try await store.stat(name) } == .invalidName)
            #expect(await ObjectStorageTests.kind { try await store.delete(name) } == .invalidName)
            #expect(
                await ObjectStorageTests.kind { try await store.adopt(file: "/dev/null", as: name) } == .invalidName
            )
        }
        for prefix in ["../", "/", "a//", "a/../b", "a\0"] {
            #expect(await ObjectStorageTests.kind { _ = try await store.names(prefix: prefix) } == .invalidName)
        }
        #expect(await ObjectStorageTests.kind { _ = try await store.names(prefix: "a/", after: "b") } == .invalidName)
        #expect(try await store.names().isEmpty)
    }

    @Test("what lists, writes and deletes as it always did still does", arguments: ObjectStoreKind.available)
    func vectors(_ kind: ObjectStoreKind) async throws {
        let store = try await kind.open()
        let base = "s3/is/not/a/file/sy/st/em/"
        let files = [
            "file01", "file02", "file03", "file05", "file01a", "file01b", "file04/a", "file04/b", "file041",
            "file042/a",
        ]
        for file in files { try await store.write(base + file, bytes: []) }
        #expect(
            try await store.names(prefix: "s3", after: base + "file02")
                == ["file03", "file04/a", "file04/b", "file041", "file042/a", "file05"].map { base + $0 }
        )
        #expect(
            try await store.names(prefix: base)
                == [
                    "file01", "file01a", "file01b", "file02", "file03", "file04/a", "file04/b", "file041", "file042/a",
                    "file05",
                ].map { base + $0 }
        )
        for file in files { try await store.delete(base + file) }
        #expect(try await store.names().isEmpty)
        guard kind != .s3 else { return }
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(TemporaryDirectory.path)/data").isEmpty)
    }

    @Test("unusual but valid names work", arguments: ObjectStoreKind.available)
    func unusualNames(_ kind: ObjectStoreKind) async throws {
        let store = try await kind.open()
        let names = [
            "s3/☺☺☺☺☺☺☺☺a☺☺☺☺☺☺bb☺☺☺☺☺☺☺☺☺", "\u{e9}", "...", "..a/b..", " ", "-rf", "%2F", "a\\b",
            String(repeating: "x", count: 255),
            (0..<4).map { _ in String(repeating: "y", count: 255) }.joined(separator: "/"),
        ]
        for name in names { try await store.write(name, bytes: Array(name.utf8)) }
        let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        #expect(try await store.names() == sorted)
        for name in names {
            #expect(try await store.read(name, limit: 4096) == Array(name.utf8))
            try await store.delete(name)
        }
        #expect(try await store.names().isEmpty)
    }

    @Test("listings are in byte order of the whole name", arguments: ObjectStoreKind.available)
    func order(_ kind: ObjectStoreKind) async throws {
        let store = try await kind.open()
        for name in Self.tree { try await store.write(name, bytes: []) }
        let sorted = Self.tree.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        #expect(try await store.names() == sorted)
        #expect(
            try await store.names(prefix: "em/file04") == ["em/file04/a", "em/file04/b", "em/file041", "em/file042/a"]
        )
        #expect(try await store.names(prefix: "em/file04/") == ["em/file04/a", "em/file04/b"])
        #expect(try await store.names(prefix: "nothing/here/").isEmpty)
        for prefix in ["", "e", "em", "em/", "em/file01", "o"] {
            for after in sorted where after.hasPrefix(prefix) {
                let expected = sorted.filter { $0.hasPrefix(prefix) && after.utf8.lexicographicallyPrecedes($0.utf8) }
                #expect(try await store.names(prefix: prefix, after: after) == expected, "\(prefix) after \(after)")
            }
        }
    }

    @Test(
        "several local files are adopted at once; one that is missing leaves no object",
        arguments: ObjectStoreKind.available
    )
    func adoptions(_ kind: ObjectStoreKind) async throws {
        let store = try await kind.open()
        let files = (0..<20).map { (path: "\(TemporaryDirectory.path)/\($0)", name: "logs/\($0 % 3)/\($0)") }
        for file in files { try AtomicFile.write(Array(file.name.utf8), to: file.path) }
        try await store.adopt(files: files)
        for file in files {
            #expect(try await store.read(file.name, limit: 100) == Array(file.name.utf8))
            #expect(!FileManager.default.fileExists(atPath: file.path))
        }
        #expect(
            await ObjectStorageTests.kind { try await store.adopt(files: [(files[0].path, "logs/new")]) } == .badSource
        )
        #expect(try await store.names().count == files.count)
    }

    @Test("a local file is adopted and gone from its place", arguments: ObjectStoreKind.available)
    func adoption(_ kind: ObjectStoreKind) async throws {
        let store = try await kind.open()
        let path = "\(TemporaryDirectory.path)/spool"
        try AtomicFile.write(Array("a log".utf8), to: path)
        try await store.adopt(file: path, as: "logs/1")
        #expect(try await store.read("logs/1", limit: 100) == Array("a log".utf8))
        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(await ObjectStorageTests.kind { try await store.adopt(file: path, as: "logs/2") } == .badSource)
        #expect(await ObjectStorageTests.kind { try await store.adopt(file: "/dev/null", as: "logs/2") } == .badSource)
        #expect(
            await ObjectStorageTests.kind { try await store.adopt(file: TemporaryDirectory.path, as: "logs/2") }
                == .badSource
        )
        #expect(try await store.names() == ["logs/1"])
    }

    @Test(
        "concurrent writes and deletes in one directory do not disturb each other",
        arguments: ObjectStoreKind.available
    )
    func concurrency(_ kind: ObjectStoreKind) async throws {
        let store = try await kind.open()
        try await withThrowingTaskGroup { group in
            for worker in 0..<8 {
                group.addTask {
                    for _ in 0..<(kind == .s3 ? 3 : 25) {
                        try await store.write("deep/er/dir/\(worker)", bytes: [UInt8(worker)])
                        #expect(try await store.read("deep/er/dir/\(worker)", limit: 1) == [UInt8(worker)])
                        #expect(try await store.delete("deep/er/dir/\(worker)") != false)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.names().isEmpty)
    }

    @Test("any sequence of operations does what a dictionary does", arguments: ObjectStoreKind.available)
    func model(_ kind: ObjectStoreKind) async throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let store = try await kind.open()
        var model: [String: [UInt8]] = [:]
        let segments = ["a", "b", "a-", "a.b", "é", "0"]
        for step in 0..<(kind == .s3 ? 100 : 300) {
            let depth = Int.random(in: 1...3, using: &random)
            let name = (0..<depth).map { _ in segments.randomElement(using: &random) ?? "a" }.joined(separator: "/")
            let clashes =
                kind.isHierarchy && model.keys.contains { $0.hasPrefix(name + "/") || name.hasPrefix($0 + "/") }
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                let bytes = (0..<Int.random(in: 0...50, using: &random)).map { UInt8(truncatingIfNeeded: $0 &+ step) }
                if clashes {
                    #expect(
                        await ObjectStorageTests.kind { try await store.write(name, bytes: bytes) } == .clash,
                        "seed \(seed) step \(step)"
                    )
                } else {
                    try await store.write(name, bytes: bytes)
                    model[name] = bytes
                }
            case 2:
                let existed = try await store.delete(name)
                #expect(existed == nil || existed == (model[name] != nil), "seed \(seed) step \(step)")
                model[name] = nil
            default:
                let prefix = String(name.prefix(Int.random(in: 0...name.count, using: &random)))
                let expected = model.keys.filter { $0.utf8.starts(with: prefix.utf8) }
                    .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
                #expect(try await store.names(prefix: prefix) == expected, "seed \(seed) step \(step)")
            }
        }
        for (name, bytes) in model { #expect(try await store.read(name, limit: 100) == bytes, "seed \(seed)") }
    }
}
