import Base
import Foundation
import ObjectStorage
import TestSupport
import Testing

/// Processes that die while they place objects, or whose disk is full.
@Suite(.temporaryDirectory, .timeLimit(.minutes(3)))
struct ObjectProcessTests {
    @Test(
        "a process killed at any step leaves whole objects, acknowledged ones all",
        arguments: [
            "object.write=torn:7", "object.write=kill", "object.sync=kill", "object.rename=kill",
            "object.directories=kill",
        ]
    )
    func killed(plan: String) async throws {
        for round in 0..<3 {
            let directory = "\(TemporaryDirectory.path)/\(round)"
            let probe = try Probe("objects", directory: directory, failPoints: "\(plan)@\(Int.random(in: 1...30))")
            #expect(try await probe.wait() == SIGKILL)
            let store = try await PosixStore.open(path: directory)
            for line in probe.lines.map({ $0.split(separator: " ") }) where line.first == "ack" {
                #expect(try await store.stat(String(line[1])).size == Int64(line[2]))
            }
            for try await object in try store.list(prefix: "", after: nil) {
                let bytes = try await store.read(object.name, limit: 1 << 20)
                #expect(!bytes.isEmpty && bytes.allSatisfy { $0 == UInt8(truncatingIfNeeded: bytes.count) })
            }
        }
    }

    @Test(
        "a full disk refuses an object, nothing of it is there, and writing recovers with the space",
        .enabled(if: getuid() == 0, "mounting a small file system needs root")
    )
    func fullDisk() async throws {
        let mounted = "\(TemporaryDirectory.path)/small"
        try FileManager.default.createDirectory(atPath: mounted, withIntermediateDirectories: true)
        let script = "mount -t tmpfs -o size=4m tmpfs \"$0\" && exec \"$@\""
        let probe = try Probe(
            "fillobjects",
            directory: mounted,
            under: ["unshare", "-m", "sh", "-c", script, mounted]
        )
        #expect(try await probe.wait() == 0)
        let lines = probe.lines
        #expect(lines.contains("refused true") && lines.last == "recovered", "\(lines)")
        let acknowledged = lines.filter { $0.hasPrefix("ack ") }.map { $0.dropFirst(4) }
        let found = lines.filter { $0.hasPrefix("there ") }.map { $0.dropFirst(6) }
        #expect(acknowledged.count > 1 && Set(found) == Set(acknowledged))
    }
}
