import Base
import Glibc

/// A file system of the test's own, in a mount namespace of its own, which can be filled and lose its power.
package final class HeldFileSystem: Sendable {
    /// What can be mounted.
    package enum Kind: String, CaseIterable, Sendable {
        /// A journalling file system on a disk that loses what was not synced.
        case ext4
        /// Memory.
        case tmpfs
    }

    private static let script = #"""
        set -eu
        directory=$1 kind=$2 size=$3
        mkdir "$directory/$kind"
        if [ "$kind" = ext4 ]; then
            truncate -s "$size" "$directory/image"
            mkfs.ext4 -q -F "$directory/image"
        fi
        use() {
            if [ "$kind" = ext4 ]; then
                # Nothing reaches the disk by itself meanwhile.
                mount -o loop,commit=600 "$directory/image" "$directory/$kind"
            else
                mount -t tmpfs -o "size=$size,mode=700" martlet "$directory/$kind"
            fi
        }
        use
        echo ready
        while read -r action; do
            umount "$directory/$kind"
            use
            echo ready
        done
        umount "$directory/$kind"
        """#

    private let process: HeldProcess
    private let directory: String
    private let kind: Kind

    /// Where this process finds it.
    package var path: String { "/proc/\(process.id)/root\(directory)/\(kind.rawValue)" }

    /// Whether the kernel lets us: root in a container often may not.
    package static func isPossible() async -> Bool {
        guard geteuid() == 0 else { return false }
        do {
            return try await TemporaryDirectory.with { directory in
                for kind in Kind.allCases { try await HeldFileSystem(kind, bytes: 8 << 20, in: directory).end() }
                return true
            }
        } catch {
            return false
        }
    }

    /// Mounts an empty file system.
    /// - Throws: ``Failure`` when that is not possible here.
    package init(_ kind: Kind, bytes: Int, in directory: String) async throws {
        self.kind = kind
        self.directory = directory
        process = try HeldProcess(inNamespace: ["sh", "-c", Self.script, "fs", directory, kind.rawValue, String(bytes)])
        try await waitUntilReady()
    }

    private func waitUntilReady() async throws {
        let line = try await BlockingPool.shared.run { [process] in process.readLine() }
        guard line == "ready" else { throw Failure("cannot mount a file system of type \(kind)") }
    }

    /// Writes a file and does not sync it.
    package func write(_ bytes: [UInt8], to name: String) throws {
        let descriptor = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("create \(name)") }
        defer { close(descriptor) }
        try AtomicFile.writeAll(bytes, to: descriptor, path: name)
    }

    /// Cuts the power: from now on nothing reaches the disk, not even the journal, and every call fails.
    package func cutPower() throws { try Self.cutPower(at: path) }

    /// Cuts the power of the file system of a path, in whichever process.
    package static func cutPower(at path: String) throws {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        defer { close(descriptor) }
        var withoutJournal: UInt32 = 2  // EXT4_GOING_FLAGS_NOLOGFLUSH
        guard ioctl(descriptor, 0x8004_587D, &withoutJournal) == 0 else { throw SystemError("shut down \(path)") }
    }

    /// Mounts what is on the disk.
    package func restart() async throws {
        try process.tell("again")
        try await waitUntilReady()
    }

    /// Unmounts; a test must, before its directory is removed.
    package func end() {
        process.end()
    }
}
