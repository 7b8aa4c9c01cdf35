import Base
import CLinux
import Glibc
import Model

/// The place of one task in a sandbox: directories that persist between its steps, in namespaces of the slot.
///
/// Every step is a bubblewrap of its own; when it ends, or the executor dies, the step's process namespace and everything
/// in it ends too. Only the executor may write the directories through which bubblewrap reaches the others, so that no step
/// can redirect a later one's mounts.
struct SandboxPlace: Place {
    /// What the slot gives to its places.
    struct Surroundings: Sendable {
        /// The namespaces of the slot.
        var namespaces: NamespacePair
        /// The first identity of the slot's range; nil when the executor is an ordinary user.
        var range: NamespacePair.IdentityRange?
        /// The host as steps see it.
        var view: HostView
        /// The system call filter; nil where it is not known for the processor.
        var filter: SeccompFilter?
        /// The `/etc` of steps that see the host's programs.
        var settings: PlaceSettings
        /// How steps find names.
        var network: SlotNetwork.Names
        /// Sentences for setup logs.
        var notes: [String]
        /// The path of bubblewrap.
        var program: String
    }

    private let path: String
    private let surroundings: Surroundings
    private let group: ControlGroup?
    private var image: String?
    private var extra: String?
    private let released = Signal()

    /// Makes the place's directories; blocks briefly.
    /// - Throws: ``SystemError`` naming the path.
    init(path: String, surroundings: Surroundings, groups: ControlGroups) throws {
        self.path = path
        self.surroundings = surroundings
        try Self.makeDirectory(path, mode: 0o711, owner: nil)
        for part in ["files", "steps", "etc"] {
            try Self.makeDirectory("\(path)/\(part)", mode: 0o755, owner: nil)
        }
        group = try groups.makeGroup()
        try makeWritableDirectories()
    }

    /// The place as it stands before a task, for an image of its own.
    /// - Throws: ``SystemError`` naming the path.
    func using(image root: String) throws -> SandboxPlace {
        var place = self
        place.image = root
        try place.makeImageFiles()
        return place
    }

    /// The place with a writable top-level directory for a task that works there.
    /// - Throws: ``SystemError`` naming the path.
    func working(in directory: String) throws -> SandboxPlace {
        var place = self
        place.extra = HostView.extraDirectory(for: directory)
        if let extra = place.extra { try makeDirectory("files/\(extra)", mode: 0o755) }
        return place
    }

    var notes: [String] { surroundings.notes }

    var environment: [String: String] {
        let home = image == nil ? HostView.home : "/root"
        return [
            "HOME": home, "USER": image == nil ? "martlet" : "root", "LANG": "C.UTF-8", "SHELL": "/bin/sh",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ]
    }

    func plan(for command: StepCommand) throws -> LaunchPlan {
        try FileTree.write(Array(command.text.utf8), to: "\(path)/steps/\(command.index + 1)", mode: 0o644)
        if image != nil { try checkMountPoints() }
        var sandbox = SandboxCommand(
            root: .image,
            identity: image != nil && surroundings.range != nil
                ? .range : .single(user: image == nil ? HostView.user : 0),
            hasTerminal: command.hasTerminal,
            filter: nil,
            step: command
        )
        if image == nil {
            var view = surroundings.view
            view.extra = extra
            sandbox.root = .host(view)
        }
        var plan = LaunchPlan(program: surroundings.program)
        if let filter = surroundings.filter {
            plan.inherited.append(try MemoryFile.make("filter", filter.bytes))
            sandbox.filter = 3
        }
        let arguments: [UInt8] = sandbox.arguments.flatMap { Array($0.utf8) + [0 as UInt8] }
        plan.inherited.append(try MemoryFile.make("arguments", arguments))
        plan.arguments = ["--args", "\(2 + plan.inherited.count)", "--"] + sandbox.command
        enter(&plan)
        return plan
    }

    private func enter(_ plan: inout LaunchPlan) {
        plan.namespaces = surroundings.namespaces
        plan.stage = path
        plan.group = group
        if image == nil { plan.lent = LaunchPlan.Lent(source: surroundings.settings.path, target: "\(path)/etc") }
        if surroundings.range != nil {
            let user = uid_t(image == nil ? HostView.user : 0)
            plan.identity = LaunchPlan.Identity(user: user, group: user)
        }
        guard let image else { return }
        plan.overlay = LaunchPlan.Overlay(
            lower: image,
            upper: "\(path)/upper",
            work: "\(path)/work",
            merged: "\(path)/merged",
            shiftsLower: surroundings.range != nil
        )
        plan.forbidsUserNamespaces = surroundings.range != nil
    }

    func diagnosis() -> String? { group?.outOfMemoryNote() }

    /// Hands the place back to its slot, which kills, checks and removes at leisure.
    func remove() async {
        released.raise()
    }

    /// Waits until the task is through with the place.
    /// - Throws: `CancellationError`.
    func waitUntilReleased() async throws {
        try await released.wait()
    }

    /// Kills everything in the place and removes its control group; blocks until it is gone.
    func killAll() {
        group?.remove()
    }

    /// Removes the directories; blocks.
    /// - Throws: ``SystemError`` naming the path.
    func destroy() throws {
        try FileTree.remove(path)
    }

    private func makeWritableDirectories() throws {
        for name in HostView.writable {
            try makeDirectory("files/\(name)", mode: name == "tmp" ? 0o1777 : 0o755)
        }
        try makeDirectory("files/home/martlet", mode: 0o755)
        try makeDirectory("files/var/tmp", mode: 0o1777)
    }

    private func makeImageFiles() throws {
        try Self.makeDirectory("\(path)/merged", mode: 0o755, owner: nil)
        for part in ["upper", "work", "upper/etc"] { try makeDirectory(part, mode: 0o755, user: 0) }
        for (name, bytes) in surroundings.network.files {
            try FileTree.write(bytes, to: "\(path)/upper/etc/\(name)", mode: 0o644)
            try give("upper/etc/\(name)", to: 0)
        }
    }

    /// A step of an image may write its root: what it put in place of a mount point would be followed by bubblewrap, with
    /// the host's files in reach.
    private func checkMountPoints() throws {
        for name in ["proc", "dev"] {
            var facts = stat()
            let changed = lstat("\(path)/upper/\(name)", &facts) == 0
            guard !changed || facts.st_mode & S_IFMT == S_IFDIR else {
                throw SetupError("an earlier step replaced /\(name), so no further step can run")
            }
        }
    }

    private func makeDirectory(_ name: String, mode: mode_t, user: Int = HostView.user) throws {
        try Self.makeDirectory("\(path)/\(name)", mode: mode, owner: surroundings.range.map { $0.first + uid_t(user) })
    }

    private func give(_ name: String, to user: Int) throws {
        guard let range = surroundings.range else { return }
        let owner = range.first + uid_t(user)
        guard lchown("\(path)/\(name)", owner, owner) == 0 else { throw SystemError("give away \(path)/\(name)") }
    }

    private static func makeDirectory(_ path: String, mode: mode_t, owner: uid_t?) throws {
        try FileTree.makeDirectory(path, exactly: mode)
        if let owner, lchown(path, owner, owner) != 0 { throw SystemError("give away \(path)") }
    }
}
