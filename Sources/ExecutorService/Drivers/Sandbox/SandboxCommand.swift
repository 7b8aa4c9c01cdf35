/// The command line of bubblewrap for one step.
///
/// Handed over in a file, not as arguments: it holds the step's environment, and so secrets, which every user of the host
/// could otherwise read. For the same reason bubblewrap itself gets no variables: a step's `LD_PRELOAD` must not act on it.
struct SandboxCommand: Sendable {
    /// What the step sees as its root.
    enum Root: Sendable, Equatable {
        /// The host's programs, a small `/etc`, and writable directories.
        case host(HostView)
        /// An image with an overlay.
        case image
    }

    /// Who the step is.
    enum Identity: Sendable, Equatable {
        /// One user of the place, in a user namespace of bubblewrap's own.
        case single(user: Int)
        /// Root of the place's user namespace, which maps a whole range.
        case range
    }

    /// Where the launcher mounts the place, and bubblewrap finds its parts.
    static let stage = "/tmp"
    /// Where steps find their files, on the fresh file system that bubblewrap mounts there for each step.
    static let stepDirectory = "/dev/martlet"
    /// What root of an image may do: what package managers and `su` need, nothing that reaches beyond the namespaces.
    private static let capabilities = [
        "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "NET_BIND_SERVICE",
        "SYS_CHROOT",
        "SETFCAP",
    ]
    /// Makes the task's directory, enters the step's, becomes the step.
    ///
    /// Runs inside, where no link leads out.
    private static let prologue =
        #"[ -d "$1" ] || mkdir -p -- "$1" || exit 1; cd -- "$2" || exit 1; shift 2; exec "$@""#

    /// The root.
    var root: Root
    /// The identity.
    var identity: Identity
    /// Whether the step has a terminal, in a session that is its own already.
    var hasTerminal: Bool
    /// The descriptor with the system call filter; nil for none.
    var filter: Int?
    /// The step.
    var step: StepCommand

    /// The arguments that go into the file.
    var arguments: [String] {
        isolation + mounts + environment
    }

    /// The command inside.
    var command: [String] {
        ["/bin/sh", "-c", Self.prologue, "martlet", step.taskDirectory, step.directory] + step.shell
            + ["\(Self.stepDirectory)/\(step.index + 1)"]
    }

    private var isolation: [String] {
        var arguments = [
            "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "martlet",
        ]
        arguments += ["--die-with-parent", "--cap-drop", "ALL"]
        switch identity {
        case .single(let user):
            arguments += ["--unshare-user", "--uid", "\(user)", "--gid", "\(user)", "--disable-userns"]
        case .range:
            arguments += Self.capabilities.flatMap { ["--cap-add", "CAP_\($0)"] }
        }
        if !hasTerminal { arguments.append("--new-session") }
        if let filter { arguments += ["--seccomp", "\(filter)"] }
        return arguments
    }

    private var mounts: [String] {
        var arguments: [String] = []
        switch root {
        case .host(let view): arguments += view.mounts(stage: Self.stage)
        case .image: arguments += ["--bind", "\(Self.stage)/merged", "/"]
        }
        arguments += ["--proc", "/proc", "--dev", "/dev", "--ro-bind", "\(Self.stage)/steps", Self.stepDirectory]
        if case .host = root { arguments += ["--remount-ro", "/"] }
        return arguments
    }

    private var environment: [String] {
        step.environment.sorted { $0.key < $1.key }.flatMap { ["--setenv", $0.key, $0.value] }
    }
}
