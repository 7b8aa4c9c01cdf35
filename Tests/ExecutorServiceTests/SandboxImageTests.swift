import Base
import FoundationEssentials
import Glibc
import Model
import ServiceKit
import TestSupport
import Testing

@testable import ExecutorService

/// Images as root directories: steps may write everywhere in their view, the image never changes, and nothing leads out.
@Suite(
    .temporaryDirectory,
    .timeLimit(.minutes(5)),
    .enabled(if: FileTree.exists(BusyBox.program), "needs the Debian package busybox-static")
)
struct SandboxImageTests {
    @Test(
        "steps are root of an image of their own, and the image stays as it is",
        .enabled(if: geteuid() == 0, "must be run as root")
    )
    func root() async throws {
        try await useImage(in: TemporaryDirectory.path, isRoot: true)
    }

    @Test("an ordinary user's executor runs images that the user owns")
    func ordinaryUser() async throws {
        let directory = try OrdinaryUser.makeDirectory()
        defer { try? FileTree.remove(directory) }
        await #expect(processExitsWith: .success) { [directory = directory as String] in
            try OrdinaryUser.become()
            try await useImage(in: directory, isRoot: false)
        }
    }

    @Test(
        "a step cannot take away a mount point that later steps need",
        .enabled(if: geteuid() == 0, "must be run as root")
    )
    func replacedMountPoint() async throws {
        let image = try BusyBox.makeImage(in: TemporaryDirectory.path)
        try await withExecutor(.sandbox) {
            $0.images = ["box": image]
        } _: { service in
            for name in ["proc", "dev"] {
                let task = try await service.assign(
                    .sample(
                        "umount /\(name) || rmdir /\(name) || ln -sfn /etc /\(name) || true; test -d /\(name)",
                        "echo second"
                    ) {
                        $0.runtime.containers[0].image = "box"
                    }
                )
                // The mount points are busy inside, so the step cannot even begin to replace them.
                #expect(await service.result(of: task).phase == .success)
            }
        }
    }

    @Test("mount points that are links are refused before anything is mounted")
    func linkedMountPoint() throws {
        let directory = TemporaryDirectory.path
        let image = try BusyBox.makeImage(in: directory)
        let place = try SandboxPlace.unlimited(in: directory).using(image: image)
        try #require(symlink("/oldroot/etc", "\(directory)/place/upper/proc") == 0)
        #expect(throws: SetupError.self) { try place.plan(for: StepCommand(selfTest: "true", environment: [:])) }
        try place.destroy()
    }
}

/// Runs a task on an image and looks at what it could do.
private func useImage(in directory: String, isRoot: Bool) async throws {
    let image = try BusyBox.makeImage(in: directory)
    let before = try FileTree.names(in: "\(image)/etc").sorted()
    try await withExecutor(.sandbox, in: "\(directory)/data") {
        $0.images = ["box": image]
    } _: { service in
        let write = """
            id -u; cat /proc/self/uid_map
            echo new > /etc/new; echo changed > /etc/motd; rm /etc/gone; mkdir -p /var/lib/x; touch /bin/tool
            \(isRoot ? "chown 1000:1000 /etc/new; stat -c %u /etc/new" : "true")
            """
        let refused = """
            mount -t tmpfs none /mnt && exit 1; mount -o remount,rw / && exit 2; umount /proc && exit 3
            unshare -U true && exit 4; echo 1 > /proc/sys/kernel/panic_on_oops && exit 5; mknod /dev/disk b 8 0 && exit 6
            mknod /disk b 8 0 && exit 7; cat /proc/1/root/etc/shadow && exit 8; ip link set lo down && exit 9; cat /etc/motd
            test ! -e /etc/gone; exit $?
            """
        let task = try await service.assign(.sample(write, refused) { $0.runtime.containers[0].image = "box" })
        let status = await service.result(of: task)
        let log = await service.log(task, .step(0)) + service.log(task, .step(1)) + service.log(task, .setup)
        try #require(status.phase == .success, "\(log) \(status.failError ?? "")")
        let words = await service.log(task, .step(0)).split(whereSeparator: \.isWhitespace)
        try #require(words.prefix(2) == ["0", "0"])
        // In the sandbox user 0 is another one outside: never the host's root.
        try #require(words.count > 3 && (UInt32(words[2]) ?? 0) >= (isRoot ? 100_000 : 0))
        if isRoot { #expect(words.last == "1000") }
        let second = try await service.assign(
            .sample("cat /etc/motd; test -e /etc/gone") { $0.runtime.containers[0].image = "box" }
        )
        try #require(await service.result(of: second).phase == .success)
        #expect(await service.log(second, .step(0)) == "original\n")
    }
    #expect(try FileTree.names(in: "\(image)/etc").sorted() == before)
}

/// A root directory of two megabytes.
enum BusyBox {
    static let program = "/usr/bin/busybox"

    static func makeImage(in directory: String) throws -> String {
        let image = "\(directory)/image"
        for name in ["", "/bin", "/etc", "/proc", "/dev", "/tmp", "/root", "/mnt", "/var"] {
            try FileTree.makeDirectory(image + name, mode: 0o755)
        }
        try FileTree.write(try FileTree.read(program), to: "\(image)/bin/busybox", mode: 0o755)
        for tool in [
            "sh", "id", "cat", "rm", "mkdir", "touch", "chown", "stat", "mount", "umount", "unshare", "mknod", "chroot",
            "test",
            "true", "rmdir", "ip",
        ] {
            try #require(symlink("busybox", "\(image)/bin/\(tool)") == 0)
        }
        try FileTree.write(Array("original\n".utf8), to: "\(image)/etc/motd", mode: 0o644)
        try FileTree.write([], to: "\(image)/etc/gone", mode: 0o644)
        return image
    }
}
