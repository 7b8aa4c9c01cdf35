import Base
import Model
import Synchronization

/// Runs steps as plain processes of the executor's own user, each task in a fresh directory.
///
/// Isolates nothing.
struct HostDriver: Driver {
    private let directory: String
    private let groups: ControlGroups
    private let worker: BlockingWorker
    /// A group made in advance, because making one can take as long as the whole start of a task.
    private let spare = SpareGroup()

    /// Makes the driver.
    /// - Parameters:
    ///   - dataDirectory: the executor's; places are made in it.
    ///   - groups: limits and finds the processes.
    ///   - worker: does the file work.
    init(dataDirectory: String, groups: ControlGroups, worker: BlockingWorker) {
        directory = "\(dataDirectory)/places"
        self.groups = groups
        self.worker = worker
    }

    /// Removes what an earlier process left.
    func prepare() async throws {
        try await worker.run {
            groups.removeAbandoned()
            try FileTree.remove(directory)
            try FileTree.makeDirectory(directory)
            try spare.fill(from: groups)
        }
    }

    /// Nothing is kept ready: a directory is all a place needs.
    func run() async throws {}

    func close() async {
        await worker.run { groups.removeOwn() }
    }

    /// Makes a directory for the task.
    func makePlace(for data: ExecutorTaskSpecData) async throws -> any Place {
        let image = data.runtime.containers.first?.image ?? "host"
        guard image == "host", data.runtime.containers.count <= 1 else {
            throw SetupError("this executor runs tasks on the host itself: use one container with image \"host\"")
        }
        guard data.user == nil, data.runtime.containers.first?.user == nil else {
            throw SetupError("this executor runs tasks as its own user: leave out \"user\"")
        }
        return try await worker.run {
            let path = "\(directory)/\(Identifier<HostPlace>.random())"
            for part in ["", "/home", "/tmp", "/steps"] { try FileTree.makeDirectory(path + part) }
            return HostPlace(
                path: path,
                group: try spare.take(from: groups),
                worker: worker,
                spare: spare,
                groups: groups
            )
        }
    }
}

/// The directory of one task of the host driver.
struct HostPlace: Place {
    private let path: String
    private let group: ControlGroup?
    private let worker: BlockingWorker
    private let spare: SpareGroup
    private let groups: ControlGroups

    init(path: String, group: ControlGroup?, worker: BlockingWorker, spare: SpareGroup, groups: ControlGroups) {
        self.path = path
        self.group = group
        self.worker = worker
        self.spare = spare
        self.groups = groups
    }

    var notes: [String] { ["Steps run on the host itself, without isolation."] }

    var environment: [String: String] {
        [
            "HOME": "\(path)/home", "TMPDIR": "\(path)/tmp", "LANG": "C.UTF-8", "SHELL": "/bin/sh",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ]
    }

    func plan(for command: StepCommand) throws -> LaunchPlan {
        let file = "\(path)/steps/\(command.index + 1)"
        try FileTree.write(Array(command.text.utf8), to: file)
        try FileTree.makeDirectory(command.taskDirectory, mode: 0o755)
        var plan = LaunchPlan(program: "/usr/bin/env", arguments: ["--"] + command.shell + [file])
        plan.environment = command.environment
        plan.directory = command.directory
        plan.group = group
        plan.leads = true
        return plan
    }

    func diagnosis() -> String? { group?.outOfMemoryNote() }

    func remove() async {
        await worker.cleanUp("remove the place of a task") {
            group?.remove()
            try FileTree.remove(path)
            try spare.fill(from: groups)
        }
    }
}

/// At most one control group that no task uses yet.
///
/// All functions block briefly.
final class SpareGroup: Sendable {
    private let group = Mutex<ControlGroup?>(nil)

    /// Takes the group, or makes one.
    /// - Throws: ``SystemError`` naming the path.
    func take(from groups: ControlGroups) throws -> ControlGroup? {
        let ready = group.withLock { group in
            defer { group = nil }
            return group
        }
        return try ready ?? groups.makeGroup()
    }

    /// Makes a group if there is none.
    /// - Throws: ``SystemError`` naming the path.
    func fill(from groups: ControlGroups) throws {
        guard group.withLock({ $0 == nil }), let made = try groups.makeGroup() else { return }
        let surplus = group.withLock { group in
            guard group == nil else { return ControlGroup?.some(made) }
            group = made
            return nil
        }
        surplus?.remove()
    }
}
