import Base
import CLinux
import Glibc

/// Tries the sandbox before any task is taken, and says what the host lacks when it does not hold.
struct SandboxSelfTest: Sendable {
    private let surroundings: SandboxSlot.Surroundings
    private let range: NamespacePair.IdentityRange?

    /// Prepares the test.
    init(_ surroundings: SandboxSlot.Surroundings, range: NamespacePair.IdentityRange?) {
        self.surroundings = surroundings
        self.range = range
    }

    /// Runs a command that must see what a sandbox shows, and nothing else; blocks for some 30 ms.
    /// - Throws: ``Failure`` saying which package or setting is missing.
    func run() throws {
        guard access(surroundings.program, X_OK) == 0 else {
            throw Failure("the sandbox needs the Debian package bubblewrap, which is not installed")
        }
        let network: SlotNetwork
        do {
            network = try SlotNetwork(surroundings.network, range: range)
        } catch {
            throw Failure("the sandbox needs user namespaces: \(Self.namespaceAdvice())", cause: error)
        }
        defer { network.close() }
        let settings = try PlaceSettings(
            path: "\(surroundings.directory)/self-test-settings",
            view: surroundings.view,
            network: network.names
        )
        let place = try SandboxPlace(
            path: "\(surroundings.directory)/self-test",
            surroundings: SandboxPlace.Surroundings(
                namespaces: network.namespaces,
                range: range,
                view: surroundings.view,
                filter: SeccompFilter.Architecture.current.map { SeccompFilter($0) },
                settings: settings,
                network: network.names,
                notes: [],
                program: surroundings.program
            ),
            groups: surroundings.groups
        )
        let result = Result { try tryOut(place) }
        place.killAll()
        try place.destroy()
        try settings.destroy()
        switch result {
        case .success((0, _)): return
        case .success((let status, let output)):
            throw Failure("the sandbox does not hold here (status \(status)): \(output) \(Self.namespaceAdvice())")
        case .failure(let error):
            throw Failure("the sandbox cannot be started here: \(Self.namespaceAdvice())", cause: error)
        }
    }

    /// The user is nobody, the process namespace its own, and neither the host's files nor its settings are in reach.
    private static let script = """
        exec 2>&1
        [ "$(id -u)" = \(HostView.user) ] || { echo "the step's user is $(id -u)."; exit 3; }
        [ ! -e /proc/1/root/etc/shadow ] || { echo "the host's files are visible."; exit 4; }
        if echo 1 2>/dev/null >/proc/sys/kernel/panic_on_oops; then echo "the host's settings are writable."; exit 5; fi
        if unshare -U true 2>/dev/null; then echo "further user namespaces are possible."; exit 6; fi
        exit 0
        """

    private func tryOut(_ place: SandboxPlace) throws -> (Int, String) {
        var command = StepCommand(selfTest: Self.script, environment: place.environment)
        command.taskDirectory = HostView.home
        let plan = try place.plan(for: command)
        let (reading, writing) = try OwnedDescriptor.pair("make a pipe", clinux_open_pipe)
        let nothing = try OwnedDescriptor(path: "/dev/null", flags: O_RDONLY)
        let child = try plan.start(input: nothing, output: writing)
        let status = child.wait()
        var buffer = [UInt8](repeating: 0, count: 4_096)
        var waiting = pollfd(fd: reading.number, events: Int16(POLLIN), revents: 0)
        let count = poll(&waiting, 1, 0) > 0 ? read(reading.number, &buffer, buffer.count) : 0
        return (status, String(decoding: buffer[..<max(0, count)], as: UTF8.self).replacing("\n", with: " "))
    }

    /// The settings by which kernels and distributions forbid user namespaces.
    private static func namespaceAdvice() -> String {
        let settings = [
            ("/proc/sys/kernel/unprivileged_userns_clone", "0", "set kernel.unprivileged_userns_clone=1 with sysctl"),
            ("/proc/sys/user/max_user_namespaces", "0", "raise user.max_user_namespaces with sysctl"),
            (
                "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
                "set kernel.apparmor_restrict_unprivileged_userns=0 with sysctl, or give bwrap an AppArmor profile"
            ),
        ]
        let advice = settings.compactMap { path, forbidden, advice -> String? in
            // A kernel without the setting does not forbid by it.
            guard let bytes = try? FileTree.read(path) else { return nil }
            return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace) == [forbidden[...]]
                ? advice : nil
        }
        return advice.isEmpty ? "see the requirements in the documentation." : advice.joined(separator: "; ") + "."
    }
}
