import Base
import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import Commands

@Suite("The file of a backup", .temporaryDirectory, .timeLimit(.minutes(3)))
struct BackupFileTests {
    private static let longName = "logs/" + String(repeating: "é", count: 120) + "/data/setup.log"

    private static let content: [(BackupEntry, String)] = [
        (.configKey, "a key of 32 bytes, or something"), (.configExport, "{\"header\":1}\n{\"trailer\":1}\n"),
        (.outbox, ""), (.runExport, String(repeating: "x", count: 1024)), (.object("logs/a"), "hello"),
        (.object(longName), ""), (.object("workspacearchives/b"), "b"), (.head("ann/empty"), "refs/heads/main\n"),
        (.head("ann/full"), "refs/heads/main\n"), (.bundle("ann/full"), "PACK"),
    ]

    /// One entry of each kind, in as few bytes as possible: every one of them is tried.
    private static let tiny: [(BackupEntry, String)] = [
        (.configKey, "k"), (.configExport, "c"), (.outbox, ""), (.runExport, "r"), (.object(longName), "o"),
        (.head("ann/full"), "h"), (.bundle("ann/full"), "b"),
    ]

    /// A small backup's bytes.
    private static func backup(_ entries: [(BackupEntry, String)] = content) async throws -> [UInt8] {
        let path = "\(TemporaryDirectory.path)/\(HexText.random(bytes: 4)).tar"
        let manifest = BackupManifest(id: "1", created: Date(timeIntervalSince1970: 1_700_000_000), martlet: "0.1.0")
        var writer = try await BackupWriter.create(path, manifest)
        for (entry, text) in entries { try await writer.add(entry, Array(text.utf8)) }
        let size = try await writer.finish()
        let bytes = Array(try Data(contentsOf: URL(filePath: path)))
        #expect(bytes.count == Int(size))
        return bytes
    }

    private static func source(_ bytes: [UInt8]) -> BackupSource {
        BackupSource(size: Int64(bytes.count)) { offset, count in
            Array(bytes[min(Int(offset), bytes.count)..<min(Int(offset) + count, bytes.count)])
        }
    }

    /// Reads everything that a backup holds, to its end.
    private static func read(_ bytes: [UInt8]) throws -> [(BackupEntry, String)] {
        var reader = BackupReader(source(bytes))
        var found: [(BackupEntry, String)] = []
        while let (entry, _) = try reader.next() {
            var text: [UInt8] = []
            while let piece = try reader.read() { text += piece }
            found.append((entry, String(decoding: text, as: UTF8.self)))
        }
        return found
    }

    private static func damage(_ bytes: [UInt8]) -> BackupDamage? {
        do {
            _ = try read(bytes)
            return nil
        } catch {
            return error as? BackupDamage
        }
    }

    @Test("what was written is read again, long names and empty entries included")
    func roundTrip() async throws {
        let found = try Self.read(try await Self.backup())
        #expect(found.map(\.0) == Self.content.map(\.0))
        #expect(found.map(\.1) == Self.content.map(\.1))
    }

    @Test("tar lists and unpacks a backup, and sha256sum checks it")
    func commonTools() async throws {
        let directory = TemporaryDirectory.path
        try Data(try await Self.backup()).write(to: URL(filePath: "\(directory)/backup.tar"))
        let listed = try await TestProcess.require(
            "tar",
            ["-t", "--quoting-style=literal", "-f", "\(directory)/backup.tar"]
        )
        let names = [BackupEntry.manifest.name] + Self.content.map(\.0.name) + [BackupEntry.checksums.name]
        #expect(listed.split(separator: "\n").map(String.init) == names)
        try FileManager.default.createDirectory(atPath: "\(directory)/out", withIntermediateDirectories: false)
        try await TestProcess.require("tar", ["-x", "-f", "\(directory)/backup.tar"], in: "\(directory)/out")
        try await TestProcess.require("sha256sum", ["-c", "--quiet", "checksums"], in: "\(directory)/out")
    }

    @Test("a backup that is cut anywhere is refused with the place")
    func truncation() async throws {
        let bytes = try await Self.backup(Self.tiny)
        for count in 0..<bytes.count {
            // Others have no more threads than there are processors.
            await Task.yield()
            let found = Self.damage(Array(bytes[..<count]))
            guard let found, found.byte <= Int64(count) else {
                Issue.record("cut at \(count) of \(bytes.count): \(String(describing: found))")
                return
            }
        }
    }

    @Test("a change of any byte is found")
    func flips() async throws {
        let bytes = try await Self.backup(Self.tiny)
        var random = SeededGenerator(seed: 7)
        for index in bytes.indices {
            await Task.yield()
            var changed = bytes
            changed[index] ^= UInt8.random(in: 1...255, using: &random)
            guard Self.damage(changed) != nil else {
                Issue.record("byte \(index) of \(bytes.count) was changed unnoticed")
                return
            }
        }
    }

    @Test("a damaged entry is named")
    func named() async throws {
        var bytes = try await Self.backup()
        let place = try #require(bytes.firstRange(of: Array("hello".utf8)))
        bytes[place.lowerBound] ^= 1
        let found = try #require(Self.damage(bytes))
        #expect(found.linkMessage.contains("entry runservice/objects/logs/a does not have the checksum"))
    }

    @Test("entries in another order, twice or missing are refused", arguments: [0, 1, 2, 3, 4, 5, 6, 7, 8])
    func order(_ index: Int) async throws {
        let manifest = BackupManifest(id: "1", created: Date(timeIntervalSince1970: 1_700_000_000), martlet: "0.1.0")
        func pieces(_ entries: [(BackupEntry, String)]) throws -> [UInt8] {
            let first = (BackupEntry.manifest, String(decoding: try JSONCoding.encode(manifest), as: UTF8.self))
            return ([first] + entries).flatMap { Self.entry($0.0.name, Array($0.1.utf8)) } + TarHeader.end
        }
        var swapped = Self.content
        swapped.swapAt(index, index + 1)
        #expect(Self.damage(try pieces(swapped)) != nil)
        var doubled = Self.content
        doubled.insert(doubled[index], at: index)
        #expect(Self.damage(try pieces(doubled))?.linkMessage.contains("cannot come after") == true)
        var missing = Self.content
        missing.remove(at: index)
        #expect(Self.damage(try pieces(missing)) != nil)
    }

    private static func entry(_ name: String, _ content: [UInt8]) -> [UInt8] {
        TarHeader(name: name, size: Int64(content.count), time: 1_700_000_000).bytes + content
            + [UInt8](repeating: 0, count: TarHeader.padding(behind: Int64(content.count)))
    }

    @Test(
        "names that lead elsewhere are refused",
        arguments: [
            "/etc/passwd", "../x", "runservice/objects/../../x", "runservice/objects//x", "runservice/objects/./x",
            "runservice/objects/a\nb", "gitserver/repositories/../x.head", "gitserver/repositories/a.head",
            "gitserver/repositories/a/b/c.head", "gitserver/key", "configstore/export/x", "checksums/x", "x",
        ]
    )
    func names(_ name: String) {
        #expect(BackupEntry(name: name) == nil)
        let found = Self.damage(Self.entry(name, []) + TarHeader.end)
        #expect(found?.linkMessage.contains("backups have no such entry") == true, "\(String(describing: found))")
    }

    @Test(
        "links, devices, directories and other formats are refused",
        arguments: ["1", "2", "3", "4", "5", "6", "g", "L", "S"] as [Unicode.Scalar]
    )
    func kinds(_ type: Unicode.Scalar) {
        var bytes = Self.entry("martlet-backup.json", [])
        bytes[156] = UInt8(ascii: type)
        let sum = (0..<512).reduce(0) { $0 + ((148..<156).contains($1) ? 32 : Int(bytes[$1])) }
        let digits = Array(String(sum, radix: 8).utf8)
        bytes.replaceSubrange(148..<154, with: [UInt8](repeating: UInt8(ascii: "0"), count: 6 - digits.count) + digits)
        #expect(Self.damage(bytes + TarHeader.end)?.linkMessage.contains("only plain files") == true)
    }

    @Test("sizes that cannot be are refused before anything is read", arguments: [1, 1 << 33, .max] as [Int64])
    func sizes(_ size: Int64) {
        let bytes = TarHeader(name: "martlet-backup.json", size: size, time: 0).bytes
        #expect(Self.damage(bytes)?.linkMessage.contains("the file ends before") == true)
    }

    @Test("headers hold sizes and names of any length", arguments: [0, 511, (1 << 33) - 1, 1 << 33, .max] as [Int64])
    func headers(_ size: Int64) throws {
        for name in ["a", String(repeating: "n", count: 100), String(repeating: "n", count: 101), Self.longName] {
            let header = TarHeader(name: name, size: size, time: 1_700_000_000)
            let found = try #require(try TarHeader.read(at: 0, from: Self.source(header.bytes), after: nil))
            #expect(found.header == header)
            #expect(found.length == header.bytes.count)
        }
    }

    @Test("random bytes, zeros and archives of others are no backups")
    func foreign() async throws {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<200 {
            let bytes = (0..<Int.random(in: 0...2_000, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            #expect(Self.damage(bytes) != nil)
        }
        #expect(Self.damage([UInt8](repeating: 0, count: 10_240)) != nil)
        let directory = TemporaryDirectory.path
        try await TestProcess.require("tar", ["-c", "-f", "\(directory)/other.tar", "/etc/hostname"])
        #expect(Self.damage(Array(try Data(contentsOf: URL(filePath: "\(directory)/other.tar")))) != nil)
    }

    @Test("a backup that fails leaves no file, one that exists is not overwritten, and its mode is 0600")
    func files() async throws {
        let path = "\(TemporaryDirectory.path)/b.tar"
        let manifest = BackupManifest(id: "1", created: Date(timeIntervalSince1970: 1_700_000_000), martlet: "0.1.0")
        var failing = try await BackupWriter.create(path, manifest)
        await #expect(throws: Failure.self) {
            try await failing.orDiscard { try await $0.add(.configKey, size: 5) { nil } }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: TemporaryDirectory.path).isEmpty)
        var writer = try await BackupWriter.create(path, manifest)
        // What breaks off may be begun again.
        await #expect(throws: Failure.self) { try await writer.add(.configKey, size: 5) { nil } }
        for (entry, text) in Self.content { try await writer.add(entry, Array(text.utf8)) }
        _ = try await writer.finish()
        #expect(try Self.read(Array(try Data(contentsOf: URL(filePath: path)))).count == Self.content.count)
        var facts = stat()
        #expect(stat(path, &facts) == 0 && facts.st_mode & 0o777 == 0o600)
        await #expect(throws: Failure.self) { _ = try await BackupWriter.create(path, manifest) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: TemporaryDirectory.path) == ["b.tar"])
    }
}
