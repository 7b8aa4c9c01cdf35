import Base
import FoundationEssentials
import Glibc

/// What a step of the image `host` sees of the host: its programs read-only, an `/etc` of a few harmless files, and
/// writable directories of its own.
struct HostView: Sendable, Equatable {
    /// The user's name, number and home directory inside.
    static let user = 1_000
    /// The home directory.
    static let home = "/home/martlet"
    /// The directories that a step may write, beside the one that its task names.
    static let writable = ["home", "tmp", "var", "opt", "srv", "run", "mnt", "media"]
    /// Top-level names that cannot be given away.
    static let reserved: Set<String> = [
        "usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "proc", "dev", "sys",
    ]

    /// Links and directories beside `/usr` through which its programs are found, with the link's target.
    private let links: [String: String]
    private let directories: [String]
    /// Directories of the host's `/etc` that are shown as they are.
    let settings: [String]
    /// Files of the place's `/etc` with their contents.
    let files: [String: [UInt8]]
    /// The task's own top-level directory, if it needs one.
    var extra: String?

    /// Looks at the host; blocks briefly.
    init() {
        var links: [String: String] = [:]
        var directories: [String] = []
        for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
            var buffer = [UInt8](repeating: 0, count: 256)
            let count = buffer.withUnsafeMutableBytes { bytes in
                bytes.baseAddress.map { readlink("/\(name)", $0.assumingMemoryBound(to: CChar.self), bytes.count) }
                    ?? -1
            }
            if count > 0 {
                links[name] = String(decoding: buffer[..<count], as: UTF8.self)
            } else if FileTree.exists("/\(name)") {
                directories.append("/\(name)")
            }
        }
        self.links = links
        self.directories = directories
        settings = Self.shownSettings()
        files = Self.syntheticFiles()
    }

    /// The arguments that mount the view.
    /// - Parameter stage: where the place is.
    /// - Returns: options of bubblewrap.
    func mounts(stage: String) -> [String] {
        var arguments = ["--ro-bind", "/usr", "/usr"]
        for directory in directories { arguments += ["--ro-bind", directory, directory] }
        for (name, target) in links.sorted(by: { $0.key < $1.key }) { arguments += ["--symlink", target, "/\(name)"] }
        arguments += ["--ro-bind", "\(stage)/etc", "/etc"]
        for setting in settings { arguments += ["--ro-bind", "/etc/\(setting)", "/etc/\(setting)"] }
        for name in Self.writable + (extra.map { [$0] } ?? []) {
            arguments += ["--bind", "\(stage)/files/\(name)", "/\(name)"]
        }
        return arguments
    }

    /// The top-level directory of a path that must be made writable for it; nil when it lies in one that is.
    static func extraDirectory(for path: String) -> String? {
        let parts = path.split(separator: "/").filter { $0 != "." }
        guard let top = parts.first.map(String.init), top != "..", !writable.contains(top), !reserved.contains(top)
        else {
            return nil
        }
        return top
    }

    /// Only what programs need to start, find each other and trust certificates; no keys, no accounts, no addresses.
    private static func shownSettings() -> [String] {
        let fixed = ["alternatives", "ca-certificates", "fonts", "ld.so.conf.d", "ssl/certs", "terminfo"]
        // Without /etc there is nothing to show.
        let versioned = ((try? FileTree.names(in: "/etc")) ?? []).filter { name in
            name.hasPrefix("java-") || name.hasPrefix("python")
        }
        return (fixed + versioned.sorted()).filter { name in
            var facts = stat()
            return stat("/etc/\(name)", &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
        }
    }

    private static func syntheticFiles() -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [
            "passwd": Array(
                """
                root:x:0:0:root:/root:/usr/sbin/nologin
                martlet:x:\(user):\(user):martlet:\(home):/bin/sh
                nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin

                """.utf8
            ),
            "group": Array("root:x:0:\nmartlet:x:\(user):\nnogroup:x:65534:\n".utf8),
            "nsswitch.conf": Array("passwd: files\ngroup: files\nhosts: files dns\n".utf8),
            "hostname": Array("martlet\n".utf8),
        ]
        let copied = [
            "debian_version", "gai.conf", "ld.so.cache", "ld.so.conf", "localtime", "mime.types", "os-release",
            "protocols",
            "services", "ssl/openssl.cnf", "timezone",
        ]
        for name in copied {
            // A host without the file has a sandbox without it.
            if let bytes = try? FileTree.read("/etc/\(name)") { files[name] = bytes }
        }
        return files
    }
}
