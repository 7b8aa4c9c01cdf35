import Base
import CLinux
import Glibc
import Logging

/// The network of one slot: a namespace in which only what tasks may reach is reachable.
///
/// - The world by `slirp4netns`, whose way to the host's loopback is closed. The host's other addresses, and the link-local
///   ones with a cloud's metadata, are unreachable by routes that steps cannot change.
/// - The gateway by a listening socket inside, whose connections ``GatewayForward`` carries out.
///
/// Everything here ends with the last holder of the namespace, so a killed executor leaves nothing.
struct SlotNetwork: Sendable {
    /// What steps need to find names.
    struct Names: Sendable, Equatable {
        /// The text of `/etc/resolv.conf`.
        var resolver: String
        /// Further lines of `/etc/hosts`.
        var hosts: String

        /// The files of `/etc` that say so, by name.
        var files: [String: [UInt8]] {
            [
                "resolv.conf": Array(resolver.utf8),
                "hosts": Array(("127.0.0.1 localhost martlet\n" + hosts).utf8),
            ]
        }
    }

    /// What slots shall reach, and with which programs.
    struct Plan: Sendable {
        /// Whether the world is reachable.
        var hasEgress: Bool
        /// The gateway.
        var gateway: GatewayEndpoint?
        /// The path of `slirp4netns`.
        var slirp = "/usr/bin/slirp4netns"
        /// The path of `ip`.
        var ip = "/usr/sbin/ip"
    }

    /// The namespaces of the slot.
    let namespaces: NamespacePair
    /// Accepts connections to the gateway; nil without one.
    let listener: OwnedDescriptor?
    /// How names are found.
    let names: Names
    /// Why something wanted is missing; for setup logs.
    let shortfall: String?
    private let slirp: ChildProcess?
    private let hidden: [String]

    /// Makes the network; blocks for about 0.2 s with egress.
    /// - Throws: ``SystemError`` when there can be no namespace at all.
    init(_ plan: Plan, range: NamespacePair.IdentityRange?) throws {
        let namespaces = try NamespacePair(range: range)
        self.namespaces = namespaces
        hidden = HostAddresses.current()
        var shortfall: String?
        var slirp: ChildProcess?
        if plan.hasEgress {
            do {
                slirp = try Self.startSlirp(plan, in: namespaces)
            } catch {
                shortfall = "no access to the network: \(ErrorChain(error).message)"
            }
        }
        do {
            try Self.configure(plan, in: namespaces, hiding: slirp == nil ? nil : hidden)
        } catch {
            // Without the routes that hide the host's addresses there must be no way out.
            slirp?.killAll()
            _ = slirp?.wait()
            slirp = nil
            shortfall = "no access to the network: \(ErrorChain(error).message)"
        }
        self.slirp = slirp
        self.shortfall = shortfall
        listener = try plan.gateway.map { try $0.listen(inside: namespaces) }
        names = Names(
            resolver: slirp == nil ? "" : "nameserver 10.0.2.3\n",
            hosts: plan.gateway?.hostsLine ?? ""
        )
    }

    /// Ends the slot's helpers; blocks briefly.
    ///
    /// The namespaces go with their last holder.
    func close() {
        slirp?.killAll()
        _ = slirp?.wait()
    }

    /// Whether the network is as good as a new one: its helper runs, and hides every address that the host has now.
    var isCurrent: Bool {
        guard let slirp else { return true }
        return slirp.isRunning && HostAddresses.current() == hidden
    }

    /// Whether no process is left in the namespace.
    ///
    /// Where a step was killed, its last processes may take a moment to go.
    func isEmpty(within limit: Duration) -> Bool {
        let end = Deadline.after(limit)
        while ProcessTable.usesNetwork(namespaces.networkInode) {
            if end.isPast { return false }
            usleep(1_000)
        }
        return true
    }

    private static func startSlirp(_ plan: Plan, in namespaces: NamespacePair) throws -> ChildProcess {
        guard access(plan.slirp, X_OK) == 0 else { throw Failure("the Debian package slirp4netns is not installed") }
        let (reading, writing) = try OwnedDescriptor.pair("make a pipe", clinux_open_pipe)
        let quiet = try OwnedDescriptor(path: "/dev/null", flags: O_RDWR)
        var launch = LaunchPlan(program: plan.slirp)
        launch.inherited = [writing, namespaces.network, namespaces.user]
        launch.arguments = [
            "--configure", "--mtu=65520", "--disable-host-loopback", "--ready-fd=3", "--netns-type=path",
        ]
        if namespaces.isOwn { launch.arguments.append("--userns-path=/proc/self/fd/5") }
        launch.arguments += ["/proc/self/fd/4", "tap0"]
        let child = try launch.start(input: quiet, output: quiet)
        // This process holds the pipe's writing end too, so a helper that dies shows by its own descriptor.
        var polls = [reading, child.descriptor].map { pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0) }
        let count = poll(&polls, 2, 5_000)
        guard count > 0, polls[0].revents != 0 else {
            child.killAll()
            _ = child.wait()
            throw Failure("slirp4netns could not start; it needs /dev/net/tun to be accessible, or root")
        }
        return child
    }

    private static func configure(_ plan: Plan, in namespaces: NamespacePair, hiding hidden: [String]?) throws {
        var commands: [String] = []
        if let address = plan.gateway?.addedAddress { commands.append("address add \(address)/32 dev lo") }
        if let hidden {
            commands += (hidden + ["169.254.0.0/16"]).map { "route replace unreachable \($0)" }
        }
        guard !commands.isEmpty else { return }
        guard access(plan.ip, X_OK) == 0 else { throw Failure("the Debian package iproute2 is not installed") }
        let input = try MemoryFile.make("batch", Array((commands.joined(separator: "\n") + "\n").utf8))
        var launch = LaunchPlan(program: plan.ip, arguments: ["-batch", "-"])
        launch.namespaces = namespaces
        if !namespaces.isOwn { launch.identity = LaunchPlan.Identity(user: 0, group: 0) }
        let quiet = try OwnedDescriptor(path: "/dev/null", flags: O_RDWR)
        let status = try launch.start(input: input, output: quiet).wait()
        guard status == 0 else { throw Failure("ip could not set up the sandbox's network (status \(status))") }
    }
}

/// The host's own addresses, behind which its services listen.
enum HostAddresses {
    /// All IPv4 addresses outside the loopback network.
    static func current() -> [String] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var found: Set<String> = []
        var next = list
        while let entry = next {
            next = entry.pointee.ifa_next
            guard let address = entry.pointee.ifa_addr, address.pointee.sa_family == sa_family_t(AF_INET) else {
                continue
            }
            let number = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee.sin_addr.s_addr }
            let bytes = withUnsafeBytes(of: number) { Array($0) }
            if bytes[0] != 127 { found.insert(bytes.map { "\($0)" }.joined(separator: ".")) }
        }
        return found.sorted()
    }
}
