import Base
import CLinux
import Glibc

/// How a process begins: what it executes, and everything it enters or gives up before.
struct LaunchPlan: Sendable {
    /// An overlay mounted for the process alone.
    struct Overlay: Sendable {
        /// The read-only root below.
        var lower: String
        /// Holds what is written.
        var upper: String
        /// The kernel's own directory, on the file system of `upper`.
        var work: String
        /// Where the overlay is mounted.
        var merged: String
        /// Whether the owners of `lower` are mapped through the user namespace.
        var shiftsLower: Bool
    }

    /// A directory that the process sees in another's place.
    struct Lent: Sendable {
        /// Whose content is seen.
        var source: String
        /// Where; an empty directory.
        var target: String
    }

    /// Who the process becomes.
    struct Identity: Sendable {
        /// The user's number as the entered user namespace counts.
        var user: uid_t
        /// The group's number.
        var group: gid_t
    }

    /// The program's absolute path.
    var program: String
    /// The arguments after the program's name.
    var arguments: [String] = []
    /// The whole environment.
    var environment: [String: String] = [:]
    /// The working directory; nil for the executor's.
    var directory: String?
    /// Descriptors that become 3, 4, and so on.
    var inherited: [OwnedDescriptor] = []
    /// The control group that the process joins.
    var group: ControlGroup?
    /// The namespaces that the process enters.
    var namespaces: NamespacePair?
    /// A directory that the process sees as `/tmp`.
    var stage: String?
    /// A directory that is mounted, in the stage or elsewhere.
    var lent: Lent?
    /// An overlay for the process.
    var overlay: Overlay?
    /// Who the process becomes; nil to stay.
    var identity: Identity?
    /// Whether user namespaces inside the entered one are forbidden.
    var forbidsUserNamespaces = false
    /// Whether an intermediate process kills all descendants at the end.
    var leads = false

    /// Starts the process.
    ///
    /// It is killed when the calling thread ends, so call from threads that last.
    /// - Parameters:
    ///   - input: becomes descriptor 0.
    ///   - output: becomes descriptors 1 and 2.
    ///   - controlsTerminal: whether `input` becomes the controlling terminal.
    /// - Returns: the child, which somebody must wait for.
    /// - Throws: ``SystemError`` naming what could not be done.
    func start(input: OwnedDescriptor, output: OwnedDescriptor, controlsTerminal: Bool = false) throws -> ChildProcess {
        let arena = CStringArena()
        var launch = clinux_launch()
        launch.program = arena.string(program)
        launch.arguments = UnsafePointer(arena.array([program] + arguments))
        launch.environment = UnsafePointer(arena.array(environment.map { "\($0.key)=\($0.value)" }))
        launch.directory = arena.optional(directory)
        launch.input = input.number
        launch.output = output.number
        launch.error = output.number
        launch.controls_terminal = controlsTerminal ? 1 : 0
        if let entrances = group?.entrances, !entrances.isEmpty { launch.control_groups = arena.constants(entrances) }
        let birthGroup = try group?.birthDirectory.map { try OwnedDescriptor(path: $0, flags: O_RDONLY | O_DIRECTORY) }
        launch.birth_group = birthGroup?.number ?? -1
        fill(&launch, arena)
        let numbers = inherited.map(\.number)
        return try numbers.withUnsafeBufferPointer { numbers in
            launch.inherited = numbers.baseAddress
            launch.inherited_count = Int32(numbers.count)
            var failed: UnsafePointer<CChar>?
            let child = withExtendedLifetime((arena, birthGroup)) { clinux_start(&launch, &failed) }
            guard child > 0 else {
                throw SystemError("\(failed.map { String(cString: $0) } ?? "start") for \(program)")
            }
            return try withExtendedLifetime((inherited, namespaces)) { try ChildProcess(adopting: child, leads: leads) }
        }
    }

    private func fill(_ launch: inout clinux_launch, _ arena: CStringArena) {
        launch.user_namespace = namespaces?.user.number ?? -1
        launch.network_namespace = namespaces?.network.number ?? -1
        launch.user_namespace_first = namespaces?.isOwn == true ? 1 : 0
        launch.stage = arena.optional(stage)
        launch.lent = arena.optional(lent?.source)
        launch.lent_target = arena.optional(lent?.target)
        if let overlay {
            launch.lower = arena.optional(overlay.lower)
            launch.upper = arena.optional(overlay.upper)
            launch.work = arena.optional(overlay.work)
            launch.merged = arena.optional(overlay.merged)
            launch.shifts_lower = overlay.shiftsLower ? 1 : 0
        }
        if let identity {
            launch.changes_identity = 1
            launch.drops_groups = namespaces?.isOwn == true ? 0 : 1
            launch.user = identity.user
            launch.group = identity.group
        }
        launch.forbids_user_namespaces = forbidsUserNamespaces ? 1 : 0
        launch.leads = leads ? 1 : 0
    }
}

/// Strings of C that live as long as the arena.
private final class CStringArena {
    private var strings: [UnsafeMutablePointer<CChar>] = []
    private var arrays: [UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>] = []

    deinit {
        for string in strings { free(string) }
        for array in arrays { array.deallocate() }
    }

    func string(_ text: String) -> UnsafePointer<CChar>? {
        guard let copy = strdup(text) else { return nil }
        strings.append(copy)
        return UnsafePointer(copy)
    }

    func optional(_ text: String?) -> UnsafePointer<CChar>? {
        text.flatMap { string($0) }
    }

    func array(_ texts: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
        let array = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: texts.count + 1)
        for (index, text) in texts.enumerated() {
            array[index] = UnsafeMutablePointer(mutating: string(text))
        }
        array[texts.count] = nil
        arrays.append(array)
        return array
    }

    func constants(_ texts: [String]) -> UnsafePointer<UnsafePointer<CChar>?> {
        let array = array(texts)
        return UnsafeRawPointer(array).assumingMemoryBound(to: UnsafePointer<CChar>?.self)
    }
}
