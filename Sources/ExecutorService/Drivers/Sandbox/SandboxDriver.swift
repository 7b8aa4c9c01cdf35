import Base
import Glibc
import Logging
import Model

/// Runs steps in namespaces of their own by bubblewrap, without a daemon and without root.
///
/// bubblewrap never runs with the real user 0: for root, each slot has a user namespace of 65,536 identities that nobody
/// else has, and steps are users of it; for an ordinary user, the namespace holds the user's own identity alone.
struct SandboxDriver: Driver {
    private let directory: String
    private let images: [String: String]
    private let configuration: Configuration
    private let ready = ReadyPlaces()
    private let files: BlockingPool
    private let worker: BlockingWorker

    /// What the driver is made of.
    struct Configuration: Sendable {
        /// The executor's data directory.
        var dataDirectory: String
        /// How many tasks run at once.
        var slots: Int
        /// Tells this executor's identities from those of others on the host.
        var executor: ExecutorID
        /// Root directories by image name.
        var images: [String: String]
        /// Whether the world is reachable.
        var hasEgress: Bool
        /// The gateway's `host:port`.
        var gateway: String?
        /// Limits and finds the processes.
        var groups: ControlGroups
    }

    /// Makes the driver.
    /// - Throws: ``SystemError`` when the system has no thread to give.
    init(_ configuration: Configuration, files: BlockingPool) throws {
        worker = try BlockingWorker(name: "clean-up")
        self.configuration = configuration
        self.files = files
        directory = "\(configuration.dataDirectory)/places"
        images = configuration.images
    }

    /// Removes what an earlier process left and tries the sandbox out.
    func prepare() async throws {
        let directory = directory
        let groups = configuration.groups
        try await files.run {
            groups.removeAbandoned()
            try FileTree.remove(directory)
            try FileTree.makeDirectory(directory)
        }
        if !groups.missing.isEmpty {
            let missing = groups.missing.joined(separator: ", ")
            Logger.current.notice("control groups cannot be written", metadata: ["missing": "\(missing)"])
        }
        let surroundings = try await surroundings(reachesGateway: false)
        let range = range(of: 0)
        try await files.run { try SandboxSelfTest(surroundings, range: range).run() }
    }

    /// Keeps one slot more than tasks, so that a place being removed does not delay the next task.
    func run() async throws {
        let surroundings = try await surroundings(reachesGateway: true)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0...configuration.slots {
                let slot = try SandboxSlot(index, range: range(of: index), surroundings: surroundings)
                group.addTask { try await slot.run(ready) }
            }
            try await group.waitForAll()
        }
    }

    func close() async {
        let groups = configuration.groups
        await worker.run { groups.removeOwn() }
    }

    func makePlace(for data: ExecutorTaskSpecData) async throws -> any Place {
        let root = try root(for: data)
        let place = try await ready.take()
        do {
            return try await files.run {
                if let root { return try place.using(image: root) }
                let home =
                    data.environment["HOME"] ?? data.runtime.containers.first?.environment["HOME"] ?? HostView.home
                return try place.working(in: StepCommand.resolve(data.workingDirectory, home: home, base: home))
            }
        } catch {
            await place.remove()
            throw error
        }
    }

    /// The root directory of the task's image; nil for the host's own programs.
    private func root(for data: ExecutorTaskSpecData) throws -> String? {
        guard data.runtime.containers.count <= 1 else {
            throw SetupError("the sandbox runs one container; service containers need an executor with another driver")
        }
        let container = data.runtime.containers.first
        let image = container?.image ?? "host"
        let user = image == "host" ? "martlet" : "root"
        if let wanted = data.user ?? container?.user, wanted != user {
            throw SetupError("the sandbox runs the steps of image \"\(image)\" as \(user), not as \(wanted)")
        }
        if image == "host" { return nil }
        guard let root = images[image] else {
            let known = (["host"] + images.keys.sorted()).map { "\"\($0)\"" }.joined(separator: ", ")
            throw SetupError(
                "this executor has no image \"\(image)\": it knows \(known); its administrator can add a root directory under executor.images"
            )
        }
        return root
    }

    private func surroundings(reachesGateway: Bool) async throws -> SandboxSlot.Surroundings {
        let configuration = configuration
        let directory = directory
        return try await files.run {
            let gateway = try reachesGateway ? configuration.gateway.map { try GatewayEndpoint($0) } : nil
            return SandboxSlot.Surroundings(
                directory: directory,
                groups: configuration.groups,
                network: SlotNetwork.Plan(hasEgress: configuration.hasEgress && reachesGateway, gateway: gateway),
                view: HostView(),
                program: "/usr/bin/bwrap"
            )
        }
    }

    /// The slot's identities: 65,536 from a range that Linux distributions keep for containers, by executor and slot.
    private func range(of slot: Int) -> NamespacePair.IdentityRange? {
        guard geteuid() == 0 else { return nil }
        var hash: UInt32 = 2_166_136_261
        for byte in configuration.executor.text.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        let block = (hash % 256) * 32 + UInt32(slot % 32)
        return NamespacePair.IdentityRange(first: 0x4000_0000 + block << 16, count: 65_536)
    }
}
