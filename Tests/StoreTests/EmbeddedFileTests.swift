import Base
import Foundation
import Store
import TestSupport
import Testing

@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct EmbeddedFileTests {
    private var directory: String { "\(TemporaryDirectory.path)/store" }
    private var file: String { "\(directory)/store.sqlite" }

    @Test("files are private, and what was stored is there after opening again")
    func reopening() async throws {
        let first = try await open()
        _ = try await first.commit(.of { $0.put(record: "a", type: "t", Data("x")) })
        let second = try await open()
        #expect(try await second.read { try $0.record(type: "t", id: "a")?.data.text } == "x")
        #expect(second.authority.identity.storeID == first.authority.identity.storeID)
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
            let facts = try FileManager.default.attributesOfItem(atPath: "\(directory)/\(name)")
            let mode = try #require(facts[.posixPermissions] as? Int)
            #expect(mode & 0o077 == 0, "\(name) has mode \(String(mode, radix: 8))")
        }
    }

    @Test("a path longer than a socket's may be works, doorbell included")
    func longPath() async throws {
        let long = TemporaryDirectory.path + String(repeating: "/" + String(repeating: "d", count: 200), count: 2)
        let store = try await LocalStore.open(directory: long, projections: [])
        try await beside(store.run) {
            var feed = store.store.changes(after: 0, scopes: []).makeAsyncIterator()
            let probe = try Probe("count", ["n", "1"], directory: long)
            #expect(try await feed.next()?.keys == [.record(type: "counter", id: "n")])
            try await probe.wait()
        }
    }

    @Test("a database of another program is refused and left alone")
    func foreignDatabase() async throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try sqlite("CREATE TABLE accounts (a); INSERT INTO accounts VALUES (1)")
        #expect(await kind { _ = try await open() } == .corrupted)
        try sqlite("INSERT INTO accounts VALUES (2)")
    }

    @Test(
        "a file that is no database, is cut off or overwritten is refused",
        arguments: ["text", "cut", "overwritten", "header", "one page"]
    )
    func damagedFile(_ damage: String) async throws {
        do {
            let store = try await open()
            _ = try await store.commit(
                .of { batch in (0..<300).forEach { batch.put(record: "\($0)", type: "t", Data(count: 900)) } }
            )
        }
        try sqlite("PRAGMA wal_checkpoint(TRUNCATE)")
        var bytes = try Data(contentsOf: URL(filePath: file))
        switch damage {
        case "text": bytes = Data(String(repeating: "this is not a database\n", count: 1_000))
        case "one page": bytes.replaceSubrange((40 * 4096)..<(41 * 4096), with: Data(repeating: 0x5A, count: 4096))
        case "cut": bytes = bytes.prefix(bytes.count / 2)
        case "overwritten":
            bytes.replaceSubrange(4096..<(bytes.count - 4096), with: Data(repeating: 0x5A, count: bytes.count - 8192))
        default: bytes.replaceSubrange(0..<100, with: Data(count: 100))
        }
        try bytes.write(to: URL(filePath: file))
        #expect(await kind { _ = try await open() } == .corrupted)
    }

    @Test(
        "a path that cannot be a store's directory is refused",
        arguments: ["/dev/null/store", "/proc/store", "file"]
    )
    func badDirectory(_ path: String) async throws {
        var path = path
        if path == "file" {
            path = "\(TemporaryDirectory.path)/file"
            try AtomicFile.write([], to: path)
        }
        let refused = path
        #expect(await kind { _ = try await LocalStore.open(directory: refused, projections: []) } == .unavailable)
    }

    @Test("a directory that may not be written is refused", .enabled(if: getuid() == 0, "changing the user needs root"))
    func readOnlyDirectory() async throws {
        _ = try await open()
        // Another user may look at everything, but change nothing of the store.
        try #require(
            chmod(directory, 0o755) == 0 && chmod(file, 0o644) == 0 && chmod("\(directory)/.inuse", 0o666) == 0
        )
        try #require(chmod(TemporaryDirectory.path, 0o777) == 0)
        let probe = try Probe(
            "count",
            ["n", "1"],
            directory: directory,
            under: ["setpriv", "--reuid", "65534", "--clear-groups"]
        )
        let line = try await probe.line("error")
        #expect(line.hasPrefix("error unavailable"), "\(line)")
        try await probe.wait()
    }

    @Test("a program that needs the store to itself keeps others out")
    func exclusiveUse() async throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let descriptor = Glibc.open("\(directory)/.inuse", O_RDWR | O_CREAT, 0o600)
        defer { close(descriptor) }
        try #require(flock(descriptor, LOCK_EX) == 0)
        #expect(await kind { _ = try await open() } == .locked)
        try #require(flock(descriptor, LOCK_UN) == 0)
        let store = try await open()
        #expect(flock(descriptor, LOCK_EX | LOCK_NB) != 0, "an open store is in use")
        withExtendedLifetime(store) {}
    }

    @Test("many openings at the same moment all succeed, whoever of them makes the store")
    func simultaneousOpenings() async throws {
        for round in 0..<10 {
            let directory = "\(TemporaryDirectory.path)/r\(round)"
            try await withThrowingTaskGroup(of: ServiceStore.self) { group in
                for _ in 0..<16 {
                    group.addTask { try await LocalStore.open(directory: directory, projections: []) }
                }
                // Those that are open stay open, so that the others join them.
                var stores: [ServiceStore] = []
                for try await store in group { stores.append(store) }
                #expect(stores.count == 16)
            }
        }
    }

    @Test("a process of another protocol version is kept out while one is open")
    func otherProtocol() async throws {
        let store = try await open()
        try Data("martlet store 99\n".utf8).write(to: URL(filePath: "\(directory)/.inuse"))
        #expect(await kind { _ = try await open() } == .newerSchema)
        withExtendedLifetime(store) {}
    }

    @Test(
        "a full disk refuses the commit, reads go on, and writing recovers with the space",
        .enabled(if: getuid() == 0, "mounting a small file system needs root")
    )
    func fullDisk() async throws {
        let mounted = "\(TemporaryDirectory.path)/small"
        try FileManager.default.createDirectory(atPath: mounted, withIntermediateDirectories: true)
        let script = "mount -t tmpfs -o size=4m tmpfs \"$0\" && exec \"$@\""
        let probe = try Probe("fill", [], directory: mounted, under: ["unshare", "-m", "sh", "-c", script, mounted])
        let refused = try await probe.line("refused")
        #expect(refused == "refused unavailable")
        #expect(try await probe.line("read") == "read same")
        #expect(try await probe.line("recovered") == "recovered", "\(probe.lines)")
        #expect(try await probe.wait() == 0)
    }

    private func open() async throws -> ServiceStore {
        try await LocalStore.open(directory: directory, projections: [])
    }

    /// Changes the file behind the store's back.
    private func sqlite(_ sql: String) throws {
        try SQLiteFile.execute(sql, at: file)
    }
}
