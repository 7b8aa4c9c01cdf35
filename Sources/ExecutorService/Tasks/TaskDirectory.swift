import Base
import CLinux
import FoundationEssentials
import Glibc
import Logging
import Model

/// The directory of one task: its record and its logs.
///
/// It exists from before the task begins until the runservice has everything, so its existence says that the task must not
/// begin again; before the first step it is on the disk for certain. All functions block briefly.
struct TaskDirectory: Sendable {
    /// The directory.
    let path: String

    /// Names the directory of a task.
    /// - Throws: ``Failure`` when the task's identity is no file name.
    init(_ task: TaskID, in dataDirectory: String) throws {
        let isName =
            !task.text.isEmpty && task.text.utf8.count <= 200 && !task.text.contains("/") && !task.text.hasPrefix(".")
        guard isName, !task.text.utf8.contains(0) else { throw Failure("task id \(task) is no file name") }
        path = "\(Self.parent(in: dataDirectory))/\(task)"
    }

    private init(path: String) {
        self.path = path
    }

    /// Where a log is kept.
    func logPath(_ selector: LogSelector) -> String {
        "\(path)/\(selector).log"
    }

    /// Makes the directory with its first record; a directory of an earlier attempt is replaced.
    /// - Throws: ``SystemError`` naming the path.
    func create(_ record: TaskRecord) throws {
        try remove()
        try FileTree.makeDirectory(path)
        try write(record)
    }

    /// Waits until the directory with its record survives a power loss.
    ///
    /// Once is enough: what a later record replaces may be lost, and even an empty one says that the task began.
    /// - Throws: ``SystemError`` naming the path.
    func synchronize() throws {
        try FailPoint.taskSync.pass()
        let record = try OwnedDescriptor(path: "\(path)/task.json", flags: O_RDONLY)
        guard fsync(record.number) == 0 else { throw SystemError("sync \(path)/task.json") }
        // File systems that wrote their journal just now have nothing to do for these two.
        try AtomicFile.sync(directory: path)
        try AtomicFile.syncDirectory(of: path)
    }

    /// Replaces the record, whole or not at all.
    /// - Throws: ``Failure`` naming the path.
    func write(_ record: TaskRecord) throws {
        try FileTree.write(Array(JSONCoding.encode(record)), to: "\(path)/task.json")
    }

    /// The length of a log; nil when it was never opened.
    func logBytes(_ selector: LogSelector) -> Int64? {
        Self.length(of: logPath(selector))
    }

    /// The length of a file; nil when there is none.
    static func length(of path: String) -> Int64? {
        var facts = stat()
        return stat(path, &facts) == 0 ? Int64(facts.st_size) : nil
    }

    /// Removes the directory.
    /// - Throws: ``SystemError`` naming the path.
    func remove() throws {
        try FileTree.remove(path)
    }

    /// Removes the directory of a task that has ended for the runservice; what cannot be removed now, the next process finds.
    func discard(on files: BlockingPool) async {
        do {
            try await files.run { try remove() }
        } catch {
            if ErrorChain(error).isCancellation { return }
            Logger.current.error("directory of an ended task cannot be removed", error: error)
        }
    }

    /// The records of all tasks that began and were not completed.
    ///
    /// A directory without a record is removed: its task had not begun. A record that cannot be read says at least that the
    /// task began, and so that it must not begin again.
    /// - Throws: ``SystemError`` naming the path.
    static func records(in dataDirectory: String) throws -> [TaskRecord] {
        let parent = parent(in: dataDirectory)
        try FileTree.makeDirectory(parent)
        return try FileTree.names(in: parent).compactMap { name in
            let directory = TaskDirectory(path: "\(parent)/\(name)")
            let file = "\(directory.path)/task.json"
            guard FileTree.exists(file) else {
                try directory.remove()
                return nil
            }
            do {
                return try JSONCoding.decode(TaskRecord.self, from: FileTree.read(file))
            } catch {
                return .unreadable(TaskID(name))
            }
        }
    }

    private static func parent(in dataDirectory: String) -> String {
        "\(dataDirectory)/tasks"
    }
}
