import Base
import Glibc

/// What the system itself takes to start a process: no continuous integration can be faster.
struct ProcessPeers {
    /// Spawning `true` and waiting for it.
    let spawn: Samples
    /// The same inside the least sandbox: dropped privileges, then bubblewrap with all namespaces.
    let sandbox: Samples

    /// Measures both.
    static func measure() async throws -> ProcessPeers {
        var sandbox = [
            "bwrap", "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--ro-bind", "/usr",
            "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
            "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "/usr/bin/true",
        ]
        if geteuid() == 0 {
            sandbox = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"] + sandbox
        }
        return ProcessPeers(
            spawn: Samples(milliseconds: try (0..<200).map { _ in try time(["true"]) }),
            sandbox: Samples(milliseconds: try (0..<40).map { _ in try time(sandbox) })
        )
    }

    private static func time(_ command: [String]) throws -> Double {
        var id = pid_t()
        var arguments = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        let start = ContinuousClock.now
        let code = posix_spawnp(&id, command[0], nil, nil, &arguments, environ)
        guard code == 0 else { throw SystemError("start \(command[0])", code: code) }
        var status: Int32 = 0
        guard waitpid(id, &status, 0) == id, status == 0 else { throw Failure("\(command[0]) failed: \(status)") }
        return (ContinuousClock.now - start).milliseconds
    }
}
