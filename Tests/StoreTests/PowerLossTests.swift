import Base
import Foundation
import ObjectStorage
import Store
import TestSupport
import Testing

/// The power fails: a file system of our own stops for good with everything that was not synced, and is mounted again.
@Suite(
    .temporaryDirectory,
    .timeLimit(.minutes(5)),
    .enabled(
        if: getuid() == 0 && FileManager.default.fileExists(atPath: "/dev/loop-control"),
        "a file system of our own needs root and loop devices"
    )
)
struct PowerLossTests {
    /// Mounts an image, works on it until so many lines are reported, stops the file system without writing its journal out, and
    /// copies what is there after another mount.
    private static let script = """
        set -eu
        truncate -s 64M "$image" && mkfs.ext4 -q -F "$image"
        mkdir -p "$disk" && mount -o loop "$image" "$disk"
        : > "$report"
        "$probe" "$mode" "$disk/store" "$report" power &
        trap "kill -KILL $! 2>/dev/null || true" EXIT
        until [ "$(grep -c ^ack "$report"; true)" -ge "$count" ] || ! kill -0 $!; do sleep 0.005; done
        cp "$report" "$report.power"
        perl -e 'open(my $d, "<", $ARGV[0]) or die; my $mode = pack("L", 2); ioctl($d, 0x8004587D, $mode) or die "cannot stop: $!"' "$disk"
        kill -KILL $! && wait $! || true
        umount "$disk" && mount -o loop "$image" "$disk"
        cp -a "$disk/store" "$after" && umount "$disk"
        """

    /// Lets the power fail after so many acknowledgements.
    /// - Returns: what was acknowledged before, and the directory as it was found afterwards.
    private func fail(_ mode: String, after count: Int, round: Int) async throws -> (lines: [String], directory: String)
    {
        let base = "\(TemporaryDirectory.path)/\(round)"
        try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
        try await TestProcess.require(
            "unshare",
            ["--mount", "sh", "-c", Self.script],
            environment: [
                "image": "\(base)/image", "disk": "\(base)/disk", "probe": try Probe.program(), "mode": mode,
                "report": "\(base)/report", "count": "\(count)", "after": "\(base)/after",
            ]
        )
        // Between this and the end of the power more may have been acknowledged, or what was synced while it ended.
        let text = try String(contentsOfFile: "\(base)/report.power", encoding: .utf8)
        return (
            text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init), "\(base)/after"
        )
    }

    @Test("acknowledged commits are there after it, whole and in order")
    func commits() async throws {
        for round in 0..<4 {
            let result = try await fail("write", after: [1, 40, 150, Int.random(in: 2...300)][round], round: round)
            let store = try await LocalStore.open(directory: result.directory, projections: [])
            try await checkWriter("power", lines: result.lines, isEarlier: true, in: store)
            try await checkEvents(of: store)
            _ = try await store.commit(.of { $0.put(record: "after", type: "t", Data("x")) })
        }
    }

    @Test("acknowledged objects are there after it, every byte of them")
    func objects() async throws {
        for round in 0..<3 {
            let result = try await fail("objects", after: [3, 30, Int.random(in: 2...60)][round], round: round)
            let store = try await PosixStore.open(path: result.directory)
            let acknowledged = result.lines.map { $0.split(separator: " ") }.filter { $0.first == "ack" }
            #expect(!acknowledged.isEmpty)
            for line in acknowledged {
                let size = Int(line[2]) ?? -1
                let bytes = try await store.read(String(line[1]), limit: 1 << 20)
                #expect(bytes.count == size && bytes.allSatisfy { $0 == UInt8(truncatingIfNeeded: size) }, "\(line)")
            }
        }
    }

    @Test("removed objects are not there again after it")
    func removals() async throws {
        for (round, count) in [1, 13, 40].enumerated() {
            let result = try await fail("removeobjects", after: count, round: round)
            let store = try await PosixStore.open(path: result.directory)
            #expect(result.lines.count >= count)
            for line in result.lines {
                let name = String(line.split(separator: " ")[1])
                #expect(try await !store.exists(name), "\(name), after \(count) removals")
            }
        }
    }
}
