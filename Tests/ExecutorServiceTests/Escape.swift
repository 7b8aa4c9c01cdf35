/// An attempt to get out of a sandbox: a shell command that succeeds when it did.
struct Escape: Sendable {
    var name: String
    var command: String

    /// What the attempts aim at outside.
    struct Targets: Sendable, Codable {
        /// A directory of the host that the executor's user may write.
        var directory: String
        /// A TCP service on the host's loopback address.
        var port: UInt16
        /// A living process of the host.
        var process: Int32
        /// The host's other addresses.
        var addresses: [String]
    }

    /// The table: each line held when it was tried by hand, and each was open in some configuration of the tools.
    static func table(_ targets: Targets) -> [Escape] {
        files(targets) + kernel + processes(targets) + network(targets) + calls
    }

    /// Things that must work, or the attempts would fail for the wrong reason.
    static let controls = [
        Escape(
            name: "have the tools",
            command: "command -v perl bash unshare nsenter mount umount ip timeout dmesg su chroot"
        ),
        Escape(name: "use perl's sockets", command: "perl -MSocket -e 'exit !socket(S, AF_UNIX, SOCK_STREAM, 0)'"),
        Escape(name: "have a terminal", command: "perl -e 'exit !-t STDIN'"),
        Escape(name: "write the own directories", command: "touch ~/made /tmp/made /var/made /opt/made /run/made"),
        Escape(name: "see own processes", command: "[ -e /proc/$$ ]"),
    ]

    private static func files(_ targets: Targets) -> [Escape] {
        [
            Escape(name: "read the host's passwords", command: "grep -q root: /etc/shadow"),
            Escape(name: "read them through the first process", command: "cat /proc/1/root/etc/shadow"),
            Escape(name: "read a file of the executor", command: "cat \(targets.directory)/secret"),
            Escape(name: "make a file on the host", command: "echo x > \(targets.directory)/made"),
            Escape(name: "list the executor's tasks", command: "ls \(targets.directory)"),
            Escape(name: "write below /usr", command: "touch /usr/made"),
            Escape(name: "write the root", command: "touch /made"),
            Escape(name: "write settings", command: "touch /etc/made"),
            Escape(name: "change the step's own file", command: "echo x >> /dev/martlet/1"),
            Escape(
                name: "run a program that changes the user",
                command: "! grep -q '^NoNewPrivs:.1$' /proc/self/status"
            ),
            Escape(name: "become root by su", command: "echo | su -c true"),
            Escape(name: "hold a capability", command: "! grep -q '^CapEff:.0*$' /proc/self/status"),
            Escape(name: "get a capability by a program", command: "! grep -q '^CapBnd:.0*$' /proc/self/status"),
            Escape(name: "make a device", command: "mknod /tmp/disk b 8 0"),
            Escape(
                name: "read a disk or the memory",
                command: "head -c1 /dev/vda || head -c1 /dev/sda || head -c1 /dev/mem"
            ),
            Escape(name: "read the kernel's log", command: "dmesg || head -c1 /dev/kmsg"),
            Escape(name: "open the tunnel device", command: ": 3<>/dev/net/tun"),
            Escape(name: "see control groups", command: "ls /sys/fs/cgroup/*"),
        ]
    }

    private static let kernel = [
        Escape(
            name: "write the kernel's settings",
            command: "v=$(cat /proc/sys/vm/swappiness); echo $v > /proc/sys/vm/swappiness"
        ),
        Escape(name: "write the core pattern", command: ": >> /proc/sys/kernel/core_pattern"),
        Escape(name: "press the magic key", command: ": >> /proc/sysrq-trigger"),
        Escape(name: "remount the programs", command: "mount -o remount,rw /usr"),
        Escape(name: "mount a file system", command: "mount -t tmpfs none /mnt"),
        Escape(name: "mount another proc", command: "mount -t proc none /mnt"),
        Escape(name: "unmount", command: "umount /proc || umount -l /etc"),
        Escape(name: "make a user namespace", command: "unshare -U true"),
        Escape(name: "make a mount namespace", command: "unshare -m true || unshare -rm true"),
        Escape(name: "enter a namespace", command: "nsenter -t 1 -m true || nsenter -t 1 -n true"),
        Escape(name: "change the root directory", command: "chroot /tmp true || pivot_root /tmp /tmp"),
    ]

    private static func processes(_ targets: Targets) -> [Escape] {
        [
            Escape(name: "see a process of the host", command: "[ -e /proc/\(targets.process) ]"),
            Escape(name: "signal a process of the host", command: "kill -0 \(targets.process)"),
            Escape(name: "see many processes", command: "[ $(ls -d /proc/[0-9]* | wc -l) -gt 12 ]"),
            Escape(name: "see the executor's environment", command: "tr '\\0' '\\n' < /proc/1/environ | grep -q ."),
            Escape(name: "type into the terminal", command: #"perl -e 'exit !ioctl(STDIN, 0x5412, my $c = "x")'"#),
            Escape(name: "paste into a console", command: #"perl -e 'exit !ioctl(STDIN, 0x541C, my $c = "\3")'"#),
        ]
    }

    private static func network(_ targets: Targets) -> [Escape] {
        let hosts = ["127.0.0.1", "10.0.2.2", "0.0.0.0"] + targets.addresses
        return hosts.map { host in
            Escape(
                name: "reach the host at \(host)",
                command: "timeout 2 bash -c ': </dev/tcp/\(host)/\(targets.port)'"
            )
        } + [
            Escape(
                name: "reach an abstract socket",
                command:
                    #"perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) or exit 1; exit !connect(S, pack_sockaddr_un("\0martlet-escape"))'"#
            ),
            Escape(name: "reach a cloud's metadata", command: "timeout 2 bash -c ': </dev/tcp/169.254.169.254/80'"),
            Escape(name: "change a route", command: "ip route add 1.2.3.4/32 dev lo"),
            Escape(name: "change an interface", command: "ip link set lo down"),
            Escape(name: "send raw packets", command: "perl -e 'exit !socket(S, 17, 3, 0)'"),
            Escape(name: "talk to the hypervisor", command: "perl -e 'exit !socket(S, 40, 1, 0)'"),
        ]
    }

    /// System calls by number, on x86-64; each must be refused for want of permission, not of arguments.
    private static let calls: [Escape] =
        [
            ("keyctl", 250), ("add_key", 248), ("request_key", 249), ("bpf", 321), ("perf_event_open", 298),
            ("userfaultfd", 323),
            ("mount", 165), ("fsopen", 430), ("open_tree", 428), ("kexec_load", 246), ("init_module", 175),
            ("setns", 308),
            ("open_by_handle_at", 304), ("swapon", 167), ("acct", 163),
        ].map { name, number in
            Escape(name: "call \(name)", command: "perl -e 'syscall(\(number), 0, 0, 0, 0, 0); exit !($! != 1)'")
        } + [
            Escape(name: "use io_uring", command: "perl -e 'syscall(425, 0, 0); exit !($! != 38)'"),
            Escape(
                name: "clone a user namespace",
                command: "perl -e 'exit !(syscall(56, 0x10000011, 0, 0, 0, 0) >= 0)'"
            ),
        ]

    /// A script that tries all of them and prints a line for each.
    static func script(_ escapes: [Escape]) -> String {
        escapes.map { escape in
            """
            if ( \(escape.command) ) </dev/tty >/dev/null 2>&1; then echo "ESCAPED: \(escape.name)"; else echo "held: \(escape.name)"; fi
            """
        }.joined(separator: "\n") + "\nexit 0"
    }
}
