import Base
import FoundationEssentials
import ObjectStorage
import Synchronization
import TestSupport
import Testing

private let needsDisk: ConditionTrait = .enabled("needs root and loop devices") { await HeldFileSystem.isPossible() }

@Suite(
    "A directory on a disk that fills up or loses its power",
    .temporaryDirectory,
    .timeLimit(.minutes(6)),
    needsDisk
)
struct PosixDiskTests {
    @Test("a full disk is an error, leaves nothing half, and passes", arguments: HeldFileSystem.Kind.allCases)
    func full(_ kind: HeldFileSystem.Kind) async throws {
        let disk = try await HeldFileSystem(kind, bytes: 12 << 20, in: TemporaryDirectory.path)
        defer { disk.end() }
        let store = try await PosixStore.open(path: "\(disk.path)/objects", pool: pool)
        let content = [UInt8](repeating: 7, count: 600_000)
        var written: [String] = []
        var refusal: ObjectStorageError?
        for number in 0..<100 where refusal == nil {
            do {
                try await store.write("a/\(number)", size: nil, body: Chunks(content, of: 100_000))
                written.append("a/\(number)")
            } catch let error as ObjectStorageError {
                refusal = error
            }
        }
        #expect(refusal?.kind == .unavailable)
        #expect(written.count > 3)
        #expect(try await Set(store.names()) == Set(written))
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(disk.path)/objects/tmp").isEmpty)
        let spool = "\(TemporaryDirectory.path)/spool"
        try AtomicFile.write(content, to: spool)
        #expect(await ObjectStorageTests.kind { try await store.adopt(file: spool, as: "adopted") } == .unavailable)
        #expect(FileManager.default.fileExists(atPath: spool))
        for name in written {
            #expect(try await store.read(name, limit: 1 << 20) == content)
        }
        try await store.delete(written[0])
        try await store.delete(written[1])
        try await store.adopt(file: spool, as: "adopted")
        #expect(try await store.read("adopted", limit: 1 << 20) == content)
    }

    @Test("what was acknowledged is whole after a power cut, and nothing else is half there", arguments: 1...3)
    func powerCut(_ round: Int) async throws {
        let disk = try await HeldFileSystem(.ext4, bytes: 64 << 20, in: TemporaryDirectory.path)
        defer { disk.end() }
        let path = "\(disk.path)/deep/er/objects"
        let store = try await PosixStore.open(path: path, pool: pool)
        let acknowledged = Acknowledged()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    for number in 0..<100_000 {
                        guard let name = await Self.write(number, by: writer, to: store, on: disk.path) else { return }
                        acknowledged.insert(name)
                    }
                }
            }
            try await eventually("enough is acknowledged", within: .seconds(60)) {
                acknowledged.names.count >= 40 + round * 17
            }
            // Shows that the cut takes what was not synced.
            try disk.write([UInt8](repeating: 1, count: 5_000), to: "not-synced")
            try disk.cutPower()
            try await group.waitForAll()
        }
        try await disk.restart()
        let isThere = FileManager.default.fileExists(atPath: "\(disk.path)/not-synced")
        let left = isThere ? try Data(contentsOf: URL(filePath: "\(disk.path)/not-synced")) : Data()
        #expect(left.count != 5_000)
        let again = try await PosixStore.open(path: path, pool: pool)
        let names = try await Set(again.names())
        let missing = acknowledged.names.subtracting(names)
        #expect(missing.isEmpty)
        for name in names {
            #expect(try await again.read(name, limit: 1 << 20) == Self.content(of: name), "\(name)")
        }
    }

    /// Writes or adopts one object.
    /// - Returns: its name once it was acknowledged; nil when the disk has lost its power.
    private static func write(
        _ number: Int,
        by writer: Int,
        to store: PosixStore,
        on disk: String
    ) async -> String? {
        let name = "w\(number % 7)/\(writer)/\(number / 3)/\(number)"
        do {
            if number % 4 == 3 {
                let spool = "\(disk)/spool-\(writer)"
                try Data(content(of: name)).write(to: URL(filePath: spool))
                try await store.adopt(file: spool, as: name)
            } else {
                try await store.write(name, size: nil, body: Chunks(content(of: name), of: 3_000))
            }
            return name
        } catch {
            return nil
        }
    }

    /// Bytes that a name determines, up to 40,000 of them.
    private static func content(of name: String) -> [UInt8] {
        let seed = name.utf8.reduce(UInt64(7)) { $0 &* 31 &+ UInt64($1) }
        var random = SeededGenerator(seed: seed)
        return (0..<Int(seed % 40_000)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }
}

/// The objects whose writing was acknowledged.
private final class Acknowledged: Sendable {
    private let state = Mutex<Set<String>>([])

    var names: Set<String> { state.withLock(\.self) }

    func insert(_ name: String) {
        state.withLock { _ = $0.insert(name) }
    }
}
