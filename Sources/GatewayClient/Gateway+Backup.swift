import Base
public import HTTPTransport
import HTTPTypes

extension Gateway {
    /// A service that has something to back up.
    public enum BackedUpService: String, Sendable, CaseIterable {
        /// Users, tokens, projects.
        case configstore
        /// Runs, logs, archives.
        case runservice
        /// Hosted repositories, and those of direct runs.
        case gitserver
    }

    /// An object of the runservice.
    public struct BackupObject: Codable, Sendable, Equatable {
        /// Its name.
        public var name: String
        /// Its bytes.
        public var size: Int64
    }

    /// A repository of the git server.
    public struct BackupRepository: Codable, Sendable, Equatable {
        /// `<owner>/<name>`, or `<user id>/<repository uuid>` for direct runs.
        public var path: String
        /// The full name of the branch that `HEAD` names.
        public var head: String
    }

    /// Whether a backup can be restored into a service.
    public struct RestoreState: Codable, Sendable, Equatable {
        /// Whether it holds nothing yet.
        public var isEmpty: Bool
        /// The backup whose restore was begun and has not ended.
        public var backup: String?
    }

    // MARK: Backup

    /// A page of the runservice's objects: those after a name.
    /// - Throws: ``Refusal`` in the chain; only administrators may.
    public func backupObjects(after name: String) async throws -> [BackupObject] {
        try await get("/backup/runservice/objects", query: [("after", name)])
    }

    /// A page of repositories: those after a path.
    /// - Throws: ``Refusal`` in the chain; only administrators may.
    public func backupRepositories(after path: String) async throws -> [BackupRepository] {
        try await get("/backup/gitserver/repositories", query: [("after", path)])
    }

    /// Opens a part of a backup: `key` of the configstore, `outbox` and `repositories/<path>/bundle` of the git server, `objects/<name>` of the
    /// runservice.
    /// - Returns: how many bytes follow, none for an empty repository, and the bytes; nil when the part does not exist (any more).
    /// - Throws: ``Refusal`` in the chain; only administrators may.
    public func backupPart(
        _ path: String,
        of service: BackedUpService
    ) async throws -> (length: Int?, body: HTTPReplyBody)? {
        do {
            let reply = try await exchange(.get, Self.path(path, service), deadline: nil)
            let length = reply.headers[.contentLength].flatMap { Int($0) }
            return (reply.status == 204 ? 0 : length, reply.body)
        } catch let refusal as Refusal where refusal.status == 404 {
            return nil
        }
    }

    // MARK: Restore

    /// Whether a backup can be restored into a service.
    /// - Throws: ``Refusal`` in the chain; only the installation's admin token may.
    public func restoreState(of service: BackedUpService) async throws -> RestoreState {
        try await get("/backup/\(service.rawValue)/restore")
    }

    /// Begins to restore a backup into a service, or goes on with it.
    /// - Throws: ``Refusal`` with code `notEmpty` or `otherRestore`.
    public func beginRestore(of backup: String, into service: BackedUpService) async throws {
        _ = try await exchange(.put, Self.path("restore/\(backup)", service))
    }

    /// Ends a restore: from now on, the service refuses to be restored.
    /// - Throws: ``Refusal`` in the chain.
    public func endRestore(into service: BackedUpService) async throws {
        _ = try await exchange(.delete, Self.path("restore", service))
    }

    /// Puts a part of a backup back; one that is there already is replaced.
    /// - Parameters:
    ///   - path: as in ``backupPart(_:of:)``.
    ///   - service: whose part it is.
    ///   - query: what else the part needs.
    ///   - body: its bytes.
    /// - Throws: ``Refusal`` with code `noRestore`, or for what the service cannot take.
    public func restorePart(
        _ path: String,
        of service: BackedUpService,
        query: [(String, String)] = [],
        _ body: HTTPBody
    ) async throws {
        let pairs = query.map { "\($0)=\(PercentEncoding.query($1))" }.joined(separator: "&")
        let target = "/api/v1alpha\(Self.path(path, service))" + (pairs.isEmpty ? "" : "?\(pairs)")
        _ = try await exchange(.put, path: target, body: body, deadline: nil)
    }

    private static func path(_ path: String, _ service: BackedUpService) -> String {
        let parts = path.split(separator: "/").map { PercentEncoding.segment(String($0)) }
        return "/backup/\(service.rawValue)/\(parts.joined(separator: "/"))"
    }
}
