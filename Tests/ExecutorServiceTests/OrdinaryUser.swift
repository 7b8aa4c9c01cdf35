import CLinux
import Glibc
import Testing

/// A user without any privilege, for tests that root runs.
enum OrdinaryUser {
    static let id: uid_t = 61_234

    /// A new directory that belongs to the user and that no test's own directory hides.
    static func makeDirectory() throws -> String {
        let path = "/tmp/mu\(String(UInt32.random(in: .min ... .max), radix: 16))"
        try #require(mkdir(path, 0o700) == 0)
        if geteuid() == 0 { try #require(chown(path, id, id) == 0) }
        return path
    }

    /// Makes the whole process the user's, for ever: only in a process of the test's own.
    static func become() throws {
        guard geteuid() == 0 else { return }
        try #require(setgroups(0, nil) == 0)
        try #require(setgid(id) == 0)
        try #require(setuid(id) == 0)
        try #require(clinux_become_dumpable() == 0)
    }
}
