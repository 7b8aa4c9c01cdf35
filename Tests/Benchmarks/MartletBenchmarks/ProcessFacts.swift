import Base
import FoundationEssentials
import Glibc

/// What the kernel says of processes.
enum ProcessFacts {
    /// The processes of one program and all its descendants.
    static func family(of root: Int32) throws -> [Int32] {
        var children: [Int32: [Int32]] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
            guard let id = Int32(name), let fields = fields(of: id), let parent = Int32(fields[1]) else { continue }
            children[parent, default: []].append(id)
        }
        var family = [root]
        var index = 0
        while index < family.count {
            family += children[family[index]] ?? []
            index += 1
        }
        return family
    }

    /// The name of a process's program; empty when it is gone.
    static func name(of id: Int32) -> String {
        (text("/proc/\(id)/comm") ?? "").split(separator: "\n").first.map(String.init) ?? ""
    }

    /// Processor time that a process took so far, in seconds.
    static func processorTime(of id: Int32) -> Double {
        guard let fields = fields(of: id), let user = Double(fields[11]), let system = Double(fields[12]) else {
            return 0
        }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Memory of a process, shared pages by its share, in bytes.
    static func proportionalMemory(of id: Int32) -> Int {
        kilobytes("Pss:", in: "/proc/\(id)/smaps_rollup") << 10
    }

    /// The most memory that a process had resident since ``resetPeak(of:)``, in bytes.
    static func peakMemory(of id: Int32) -> Int {
        kilobytes("VmHWM:", in: "/proc/\(id)/status") << 10
    }

    /// Memory that a process has resident now, in bytes.
    static func residentMemory(of id: Int32) -> Int {
        kilobytes("VmRSS:", in: "/proc/\(id)/status") << 10
    }

    /// Forgets the peak.
    static func resetPeak(of id: Int32) throws {
        try attempt("reset peak memory of process \(id)") {
            let descriptor = open("/proc/\(id)/clear_refs", O_WRONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw SystemError("open clear_refs") }
            defer { close(descriptor) }
            guard write(descriptor, "5", 1) == 1 else { throw SystemError("write clear_refs") }
        }
    }

    /// Bytes that a process caused to be written to disks.
    static func writtenBytes(of id: Int32) -> Int {
        Int(value("write_bytes:", in: "/proc/\(id)/io") ?? 0)
    }

    /// The system's load average.
    static func loadAverage() throws -> String {
        let text = try String(contentsOfFile: "/proc/loadavg", encoding: .utf8)
        return text.split(separator: " ").prefix(3).joined(separator: " ")
    }

    // The fields after the program's name, which may hold anything.
    private static func fields(of id: Int32) -> [Substring]? {
        guard let text = text("/proc/\(id)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 12 ? fields : nil
    }

    private static func kilobytes(_ key: String, in path: String) -> Int {
        Int(value(key, in: path) ?? 0)
    }

    private static func value(_ key: String, in path: String) -> Int64? {
        guard let line = text(path)?.split(separator: "\n").first(where: { $0.hasPrefix(key) }) else { return nil }
        return line.dropFirst(key.count).split(whereSeparator: { " \t".contains($0) }).first.flatMap { Int64($0) }
    }

    private static func text(_ path: String) -> String? {
        // A process may end at any moment, and then has no facts.
        try? String(contentsOfFile: path, encoding: .utf8)
    }
}
