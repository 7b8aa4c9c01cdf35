import Glibc

/// What `/proc` tells of the processes that the executor may see.
enum ProcessTable {
    /// The processes below `root`, without it, parents first.
    static func descendants(of root: pid_t) -> [pid_t] {
        var children: [pid_t: [pid_t]] = [:]
        for pid in all() {
            if let parent = parent(of: pid) { children[parent, default: []].append(pid) }
        }
        var found: [pid_t] = []
        var waiting = [root]
        while let pid = waiting.popLast() {
            let below = children[pid] ?? []
            found += below
            waiting += below
        }
        return found
    }

    /// Whether a living process that we may look at uses the network namespace with this number.
    static func usesNetwork(_ inode: UInt64) -> Bool {
        let wanted = "net:[\(inode)]"
        return all().contains { link("/proc/\($0)/ns/net") == wanted }
    }

    /// The numbers of all processes.
    static func all() -> [pid_t] {
        guard let directory = opendir("/proc") else { return [] }
        defer { closedir(directory) }
        var found: [pid_t] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let pid = pid_t(name) { found.append(pid) }
        }
        return found
    }

    private static func parent(of pid: pid_t) -> pid_t? {
        // The command's name stands in parentheses and may itself hold some: the fields begin after the last one.
        guard let stat = text(of: "/proc/\(pid)/stat"), let end = stat.lastIndex(of: UInt8(ascii: ")")) else {
            return nil
        }
        let fields = stat[stat.index(after: end)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 1, fields[0].first != UInt8(ascii: "Z") else { return nil }
        return pid_t(String(decoding: fields[1], as: UTF8.self))
    }

    private static func text(of path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 1_024)
        let count = read(file, &buffer, buffer.count)
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    private static func link(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 128)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink(path, $0.assumingMemoryBound(to: CChar.self), bytes.count) } ?? -1
        }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
}
