import Base
import Glibc
import Model
import TestSupport
import Testing

@testable import ExecutorService

/// The parts of the sandbox that need no process.
@Suite(.temporaryDirectory)
struct SandboxPartsTests {
    @Test("the filter's jumps stay inside the program, which ends by allowing", arguments: [true, false])
    func filter(isX86: Bool) {
        let bytes = SeccompFilter(isX86 ? .x86 : .arm).bytes
        #expect(bytes.count.isMultiple(of: 8))
        let count = bytes.count / 8
        #expect(count < 4_096)
        for index in 0..<count {
            let code = UInt16(bytes[index * 8]) | UInt16(bytes[index * 8 + 1]) << 8
            guard code & 7 == 5 else { continue }
            #expect(index + 1 + Int(max(bytes[index * 8 + 2], bytes[index * 8 + 3])) < count)
        }
        #expect(Array(bytes.suffix(8)) == [6, 0, 0, 0, 0, 0, 0xFF, 0x7F])
    }

    @Test("a tree is removed whatever its modes and depth, and links are not followed")
    func removesTrees() throws {
        let root = "\(TemporaryDirectory.path)/tree"
        let outside = "\(TemporaryDirectory.path)/outside"
        try FileTree.makeDirectory(outside)
        try FileTree.write([1], to: "\(outside)/kept")
        try FileTree.makeDirectory(root)
        #expect(symlink(outside, "\(root)/link") == 0)
        // Deeper than a path may be long, so it must be made step by step.
        var parent = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        for depth in 0..<600 {
            let name = "directory-\(depth)"
            #expect(mkdirat(parent, name, 0o700) == 0)
            let child = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if depth.isMultiple(of: 7) { fchmod(child, 0) }
            close(parent)
            parent = child
        }
        close(parent)
        try FileTree.remove(root)
        #expect(!FileTree.exists(root))
        #expect(FileTree.exists("\(outside)/kept"))
        try FileTree.remove(root)
    }

    @Test("control group hierarchies are found in the tables of hybrid and unified hosts")
    func findsHierarchies() {
        let hybrid = """
            cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0
            cgroup /sys/fs/cgroup/pids cgroup rw,relatime,pids 0 0
            cgroup /sys/fs/cgroup/freezer cgroup rw,relatime,freezer 0 0
            cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0
            """
        let mounted = ControlGroupSearch.mounted(hybrid)
        #expect(
            mounted.map(\.mountPoint) == ["/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids", "/sys/fs/cgroup/unified"]
        )
        #expect(mounted.map(\.isTwo) == [false, false, true])
        let groups = ControlGroupSearch.ownGroups("4:memory:/a\n3:cpu,cpuacct:/b\n0::/user.slice/x:y\n")
        #expect(groups == ["memory": "/a", "cpu": "/b", "cpuacct": "/b", "": "/user.slice/x:y"])
    }

    @Test("limits become the files of either version")
    func limitFiles() {
        let limits = ControlGroups.Limits(memory: 100, processes: 5)
        func files(_ kind: ControlGroups.Hierarchy.Kind) -> [String] {
            ControlGroup.settings(limits, for: kind).map { "\($0.0)=\($0.1)" }
        }
        #expect(files(.one(controller: "memory")) == ["memory.limit_in_bytes=100"])
        #expect(files(.one(controller: "pids")) == ["pids.max=5"])
        #expect(
            files(.two(controllers: ["memory", "pids"])) == ["memory.max=100", "memory.oom.group=1", "pids.max=5"]
        )
        #expect(files(.two(controllers: [])) == [])
    }

    @Test(
        "the top-level directory that a path needs",
        arguments: [
            ("/build/x", "build"), ("/home/martlet/project", nil), ("/usr/src", nil), ("/", nil), ("/../x", nil),
            ("//a//b", "a"),
        ] as [(String, String?)]
    )
    func extraDirectory(path: String, expected: String?) {
        #expect(HostView.extraDirectory(for: path) == expected)
    }

    @Test("the executor keeps its identity, and says so when the file is not one")
    func identity() throws {
        let directory = "\(TemporaryDirectory.path)/data"
        let id = try ExecutorIdentity.load(from: directory)
        #expect(try ExecutorIdentity.load(from: directory) == id)
        try FileTree.write(Array("two words".utf8), to: "\(directory)/id")
        #expect(throws: Failure.self) { try ExecutorIdentity.load(from: directory) }
    }

    @Test("a task id that is no file name is refused", arguments: ["", "..", "a/b", ".x", "a\0b"])
    func taskNames(text: String) {
        #expect(throws: Failure.self) { try TaskDirectory(TaskID(text), in: "/tmp") }
    }

    @Test("a sandbox that cannot be made is refused at the start with the name of what is missing")
    func selfTest() async throws {
        var surroundings = SandboxSlot.Surroundings(
            directory: "\(TemporaryDirectory.path)/places",
            groups: ControlGroups(hierarchies: [], limits: .init()),
            network: SlotNetwork.Plan(hasEgress: false),
            view: HostView(),
            program: "/no/bwrap"
        )
        #expect { try SandboxSelfTest(surroundings, range: nil).run() } throws: { error in
            ErrorChain(error).message.contains("Debian package bubblewrap")
        }
        try FileTree.makeDirectory(surroundings.directory)
        surroundings.program = "\(TemporaryDirectory.path)/broken"
        try FileTree.write(Array("no program".utf8), to: surroundings.program, mode: 0o755)
        #expect { try SandboxSelfTest(surroundings, range: nil).run() } throws: { error in
            ErrorChain(error).message.contains("cannot be started")
        }
        // Something that is no sandbox: the command runs, sees the host, and is found out.
        surroundings.program = "/var/tmp/martlet-no-sandbox-\(getpid())"
        defer { unlink(surroundings.program) }
        let script = "#!/bin/sh\nexec sh /tmp/steps/1\n"
        try FileTree.write(Array(script.utf8), to: surroundings.program, mode: 0o755)
        #expect { try SandboxSelfTest(surroundings, range: nil).run() } throws: { error in
            ErrorChain(error).message.contains("does not hold")
        }
    }
}
