public import Base
public import HTTPTransport
import HTTPTypes
public import Model

/// Workspace archives and caches of a task that an executor holds.
///
/// All throw ``RemoteError`` with code `attemptSuperseded`, or `executorTaskDoesNotExist`, when the executor does not hold the task any
/// more.
public struct TaskStorageClient: Sendable {
    private let connection: ServiceConnection
    private let path: String
    private let fence: (String, String)

    /// Speaks for one attempt of a task.
    public init(_ client: RunServiceClient, task: TaskID, attempt: Int, executor: ExecutorID) {
        connection = client.connection
        path = RunServiceClient.task(task, executor)
        fence = ("attempt", String(attempt))
    }

    /// Stores what a step put into the workspace; a second time replaces the first.
    /// - Throws: ``RemoteError`` with code `bodyTooLarge`.
    public func saveArchive(ofStep step: Int, _ body: HTTPBody) async throws {
        try await attempt("save the archive of step \(step)") {
            let reply = try await connection.open(.put, "\(path)/archives/\(step)", query: [fence], body: body)
            _ = try await ServiceConnection.checked(reply).collect()
        }
    }

    /// Opens what a step of a task of the same run put into the workspace.
    /// - Returns: the answer, whose body is the archive.
    /// - Throws: ``RemoteError`` with code `archiveDoesNotExist`.
    public func archive(ofStep step: Int, of source: TaskID) async throws -> HTTPReply {
        try await attempt("open the archive of step \(step) of task \(source)") {
            let query = [fence, ("task", source.text)]
            return try await ServiceConnection.checked(
                try await connection.open(.get, "\(path)/archives/\(step)", query: query)
            )
        }
    }

    /// Whether there is a cache of exactly this key.
    /// - Throws: ``RemoteError`` of kind `badRequest` when the key is too long.
    public func hasCache(_ key: String) async throws -> Bool {
        try await attempt("look for cache \(key)") {
            let reply = try await connection.open(.head, cache(key), query: [fence])
            if reply.status == 404 { return false }
            _ = try await ServiceConnection.checked(reply)
            return true
        }
    }

    /// Stores a cache unless there is one of that key.
    /// - Returns: whether it was stored.
    /// - Throws: ``RemoteError`` with code `invalidCacheKey` or `bodyTooLarge`.
    public func saveCache(_ key: String, _ body: HTTPBody) async throws -> Bool {
        try await attempt("save cache \(key)") {
            let reply = try await connection.open(.put, cache(key), query: [fence], body: body)
            if reply.status == 304 { return false }
            _ = try await ServiceConnection.checked(reply).collect()
            return true
        }
    }

    /// Opens a cache: that of exactly this key, or the newest whose key begins with it.
    /// - Returns: the answer, whose body is the archive; nil when there is none.
    public func cache(_ key: String, isPrefix: Bool) async throws -> HTTPReply? {
        try await attempt("open cache \(key)") {
            let query = [fence] + (isPrefix ? [("prefix", "true")] : [])
            let reply = try await connection.open(.get, cache(key), query: query)
            do {
                return try await ServiceConnection.checked(reply)
            } catch let error as RemoteError where error.code == "cacheDoesNotExist" {
                return nil
            }
        }
    }

    private func cache(_ key: String) -> String {
        "\(path)/caches/\(RunServiceClient.segment(key))"
    }
}
