import Base
import Glibc

/// The control group of one task: a directory in each hierarchy that the executor uses.
///
/// All functions block briefly.
struct ControlGroup: Sendable {
    private let parts: [ControlGroups.Hierarchy]

    /// Names the directories.
    init(parts: [ControlGroups.Hierarchy]) {
        self.parts = parts
    }

    /// The files of version 1 through which a process with a single thread joins.
    ///
    /// Not `cgroup.procs`: that one waits until every processor has passed by, which takes some 12 ms on an idle host, even
    /// for a process that has only one thread to move.
    var entrances: [String] {
        parts.compactMap { part in
            if case .one = part.kind { "\(part.directory)/tasks" } else { nil }
        }
    }

    /// The directory of version 2 in which a process can be born, which does not wait either.
    var birthDirectory: String? {
        parts.first { part in
            if case .two = part.kind { true } else { false }
        }?.directory
    }

    /// The processes in the group.
    var members: Set<pid_t> {
        Set(parts.flatMap { Self.numbers(in: "\($0.directory)/cgroup.procs") }.map { pid_t($0) })
    }

    /// Makes the directories and sets the limits.
    /// - Throws: ``SystemError`` naming the path.
    func create(_ limits: ControlGroups.Limits) throws {
        for part in parts {
            guard mkdir(part.directory, 0o755) == 0 else { throw SystemError("make control group \(part.directory)") }
            for (file, value) in Self.settings(limits, for: part.kind) {
                try Self.write(value, to: "\(part.directory)/\(file)")
            }
        }
    }

    /// The files and values that set the limits.
    static func settings(_ limits: ControlGroups.Limits, for kind: ControlGroups.Hierarchy.Kind) -> [(String, String)] {
        var settings: [(String, String)] = []
        switch kind {
        case .one(controller: "memory"):
            if let memory = limits.memory { settings.append(("memory.limit_in_bytes", "\(memory)")) }
        case .one(controller: "pids"):
            if let processes = limits.processes { settings.append(("pids.max", "\(processes)")) }
        case .one: break
        case .two(let controllers):
            if controllers.contains("memory"), let memory = limits.memory {
                settings += [("memory.max", "\(memory)"), ("memory.oom.group", "1")]
            }
            if controllers.contains("pids"), let processes = limits.processes {
                settings.append(("pids.max", "\(processes)"))
            }
        }
        return settings
    }

    /// A sentence when the kernel killed a process of the group for want of memory.
    func outOfMemoryNote() -> String? {
        let kills = parts.map { part in
            Self.counter("oom_kill", in: "\(part.directory)/memory.oom_control")
                ?? Self.counter("oom_kill", in: "\(part.directory)/memory.events") ?? 0
        }
        return kills.contains { $0 > 0 } ? "The task ran out of memory: the kernel killed one of its processes." : nil
    }

    /// Kills everything in the group and removes it; gives up after ten seconds, which only an uninterruptible process
    /// can cause.
    func remove() {
        let end = Deadline.after(.seconds(10))
        var isLeft = true
        while isLeft, !end.isPast {
            for part in parts where FileTree.exists("\(part.directory)/cgroup.kill") {
                // Older kernels lack the file; the signals below then do the work alone.
                try? Self.write("1", to: "\(part.directory)/cgroup.kill")
            }
            for member in members where member > 0 { kill(member, SIGKILL) }
            isLeft = false
            for part in parts where rmdir(part.directory) != 0 && errno != ENOENT { isLeft = true }
            if isLeft { usleep(1_000) }
        }
    }

    private static func counter(_ name: String, in path: String) -> Int? {
        // The file exists in one of the two versions only.
        guard let bytes = try? FileTree.read(path) else { return nil }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("\(name) ") {
            return Int(line.dropFirst(name.count + 1))
        }
        return nil
    }

    private static func numbers(in path: String) -> [Int32] {
        // A group that is gone has no members.
        guard let bytes = try? FileTree.read(path) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { Int32($0) }
    }

    private static func write(_ value: String, to path: String) throws {
        let file = try OwnedDescriptor(path: path, flags: O_WRONLY)
        var value = value
        let count = value.withUTF8 { Glibc.write(file.number, $0.baseAddress, $0.count) }
        guard count > 0 else { throw SystemError("write \(path)") }
    }
}
