import Base
import FoundationEssentials
import Glibc
package import Model
package import ObjectStorage
import Synchronization

/// Takes the logs of running tasks in, piece by piece, and makes each an object when its task has ended.
///
/// A growing log is a file `<directory>/<task>/<selector>.log`. Pieces carry their offset: one that was stored already is
/// acknowledged again, one that leaves a gap is refused with the offset to go on at. So a sender that lost its answer, or a service
/// that lost its last writes to a power failure, simply goes on where the file ends.
package final class LogIntake: Sendable {
    private struct Key: Hashable {
        let task: TaskID
        let selector: LogSelector
    }

    private let directory: String
    private let objects: any ObjectStore
    private let open = Mutex<[Key: GrowingLog]>([:])

    /// Makes the intake.
    /// - Parameters:
    ///   - directory: holds the logs that still grow; created if missing.
    ///   - objects: takes the complete logs.
    /// - Throws: ``Failure`` when the directory cannot be made.
    package init(directory: String, objects: any ObjectStore) throws {
        self.directory = directory
        self.objects = objects
        try attempt("create log directory \(directory)") {
            try FileManager.default.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        }
    }

    /// Stores a piece.
    /// - Returns: how many bytes are stored now.
    /// - Throws: ``APIError`` with code `logOffsetMismatch` when the piece does not begin where the log ends.
    package func append(
        _ bytes: [UInt8],
        at offset: Int64,
        to selector: LogSelector,
        of task: TaskID
    ) async throws -> Int64 {
        var log = try await growingLog(selector, of: task)
        if log == nil {
            // Made an object before its sender heard of that: what is stored there must not begin again.
            let stored = try await storedBytes(selector, of: task)
            if stored > 0, offset + Int64(bytes.count) <= stored { return stored }
            log = try await growingLog(selector, of: task, creates: true)
        }
        guard let log else { throw Failure("log \(selector) of task \(task) could not be opened") }
        return try await BlockingPool.shared.run { try log.append(bytes, at: offset) }
    }

    /// Notes how long a log is once its step has ended, so that followers know the end; one that was made for them alone goes.
    package func complete(_ selector: LogSelector, of task: TaskID, bytes: Int64) async throws {
        guard let log = try await growingLog(selector, of: task) else { return }
        log.complete(at: bytes)
        if bytes == 0, log.size == 0 { try await withdraw(selector, of: task) }
    }

    /// The log while it still grows; nil when nothing of it has arrived or it is an object already.
    package func growingLog(_ selector: LogSelector, of task: TaskID) async throws -> GrowingLog? {
        try await growingLog(selector, of: task, creates: false)
    }

    /// The log of a step that runs, made now if nothing of it has arrived; nil when it is an object already.
    ///
    /// The step may end and its log be sealed at any moment. Whoever makes a log looks for the object afterwards: a log that was made
    /// before is what becomes the object, and one made later is taken back.
    package func awaitedLog(_ selector: LogSelector, of task: TaskID) async throws -> GrowingLog? {
        if let log = try await growingLog(selector, of: task) { return log }
        if try await objectBytes(selector, of: task) != nil { return nil }
        let log = try await growingLog(selector, of: task, creates: true)
        guard try await objectBytes(selector, of: task) != nil, log?.size == 0 else { return log }
        try await withdraw(selector, of: task)
        return nil
    }

    /// Makes the logs of an ended task objects, after a check that all bytes are here, with a marker for each run that has the task.
    /// - Parameters:
    ///   - task: the task that has ended.
    ///   - runs: the runs that have the task.
    ///   - sizes: how long the logs must be; nil for a task whose executor is lost, where what came is all there is.
    /// - Throws: ``APIError`` with code `logIncomplete`, whose details name the log and how much of it is stored.
    package func seal(_ task: TaskID, of runs: Set<RunID>, sizes: [LogSelector: Int64]?) async throws {
        for (selector, size) in sizes ?? [:] where size > 0 {
            let stored = try await storedBytes(selector, of: task)
            guard stored == size else { throw Self.incomplete(selector, stored: stored, of: size) }
        }
        let grown = try await grownLogs(of: task)
        let isEmpty = grown.isEmpty && (sizes ?? [:]).values.allSatisfy { $0 == 0 }
        try FailPoint.logSeal.pass()
        try await store(grown, of: task, markedFor: isEmpty ? [] : runs)
        try FailPoint.logSealed.pass()
        try await BlockingPool.shared.run { [self] in try open.withLock { _ in try removeDirectory(of: task) } }
    }

    /// The tasks that have growing logs, for cleaning up after a restart.
    package func tasks() async throws -> [TaskID] {
        try await BlockingPool.shared.run { [directory] in
            try attempt("list \(directory)") {
                try FileManager.default.contentsOfDirectory(atPath: directory).map { TaskID($0) }
            }
        }
    }

    private static func incomplete(_ selector: LogSelector, stored: Int64, of size: Int64) -> APIError {
        APIError(
            .badRequest,
            code: "logIncomplete",
            "Of the log \(selector) only \(stored) of \(size) bytes have arrived.",
            details: ["log": "\(selector)", "offset": "\(stored)"]
        )
    }

    private func storedBytes(_ selector: LogSelector, of task: TaskID) async throws -> Int64 {
        let growing = try await growingLog(selector, of: task)?.size ?? 0
        return max(growing, try await objectBytes(selector, of: task) ?? 0)
    }

    private func objectBytes(_ selector: LogSelector, of task: TaskID) async throws -> Int64? {
        do {
            return try await objects.stat(RunObjects.log(selector, of: task)).size
        } catch let error where ObjectStorageError.isNotExist(error) {
            return nil
        }
    }

    /// Makes growing logs objects; one that is an object already is only ever replaced by more of the same log.
    private func store(_ selectors: [LogSelector], of task: TaskID, markedFor runs: Set<RunID>) async throws {
        var adopted: [LogSelector] = []
        for selector in selectors {
            guard let log = try await growingLog(selector, of: task) else { continue }
            log.complete(at: log.size)
            if let stored = try await objectBytes(selector, of: task), stored >= log.size {
                try await withdraw(selector, of: task)
            } else {
                adopted.append(selector)
            }
        }
        let markers = try await missingMarkers(of: task, for: runs)
        let logs = adopted.map { (path: path($0, of: task), name: RunObjects.log($0, of: task)) }
        try await objects.adopt(files: markers + logs)
        open.withLock { open in
            for selector in adopted { open[Key(task: task, selector: selector)] = nil }
        }
    }

    /// Markers that do not exist yet, as empty files to be adopted together with the logs: that is less to wait for.
    private func missingMarkers(of task: TaskID, for runs: Set<RunID>) async throws -> [(path: String, name: String)] {
        var files: [(path: String, name: String)] = []
        for run in runs {
            let name = RunObjects.Tree.logs.marker(of: task, for: run)
            if try await !objects.exists(name) { files.append(("\(directory)/\(task)/\(run).run", name)) }
        }
        try await BlockingPool.shared.run { [files] in
            for (path, _) in files { try GrowingLog.touch(path) }
        }
        return files
    }

    /// Removes a growing log that is an object already.
    private func withdraw(_ selector: LogSelector, of task: TaskID) async throws {
        let path = path(selector, of: task)
        try await BlockingPool.shared.run { [self] in
            try open.withLock { logs in
                logs[Key(task: task, selector: selector)] = nil
                guard unlink(path) == 0 || errno == ENOENT else { throw SystemError("remove log \(path)") }
                try removeDirectory(of: task)
            }
        }
    }

    /// Removes what is left of a task that nobody knows, if it was not touched after `date`.
    /// - Returns: whether it was removed.
    func discard(_ task: TaskID, untouchedSince date: Double) async throws -> Bool {
        let path = "\(directory)/\(task)"
        return try await BlockingPool.shared.run { [self] in
            try open.withLock { logs in
                let names = try attempt("list \(path)") { try FileManager.default.contentsOfDirectory(atPath: path) }
                guard !logs.keys.contains(where: { $0.task == task }),
                    try ([path] + names.map { "\(path)/\($0)" }).allSatisfy({ try GrowingLog.modified($0) < date })
                else { return false }
                try attempt("remove \(path)") { try FileManager.default.removeItem(atPath: path) }
                return true
            }
        }
    }

    /// Removes a task's directory unless logs grow there; under the lock under which they are made.
    private func removeDirectory(of task: TaskID) throws {
        let path = "\(directory)/\(task)"
        guard rmdir(path) == 0 || errno == ENOENT || errno == ENOTEMPTY else {
            throw SystemError("remove log directory \(path)")
        }
    }

    private func grownLogs(of task: TaskID) async throws -> [LogSelector] {
        try await BlockingPool.shared.run { [directory] in
            let path = "\(directory)/\(task)"
            guard access(path, F_OK) == 0 else { return [] }
            return try attempt("list \(path)") { try FileManager.default.contentsOfDirectory(atPath: path) }
                .compactMap { $0.hasSuffix(".log") ? LogSelector($0.dropLast(4)) : nil }
        }
    }

    private func growingLog(_ selector: LogSelector, of task: TaskID, creates: Bool) async throws -> GrowingLog? {
        let key = Key(task: task, selector: selector)
        if let log = open.withLock({ $0[key] }) { return log }
        let path = path(selector, of: task)
        return try await BlockingPool.shared.run { [self] in
            try open.withLock { logs in
                if let log = logs[key] { return log }
                let log = try GrowingLog.open(path: path, creates: creates)
                logs[key] = log
                return log
            }
        }
    }

    private func path(_ selector: LogSelector, of task: TaskID) -> String {
        "\(directory)/\(task)/\(selector).log"
    }
}
