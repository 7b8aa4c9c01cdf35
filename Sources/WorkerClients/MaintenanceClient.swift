import Base
public import HTTPTransport
import HTTPTypes
public import Model

/// Maintenance, export and import of a service that keeps a store: the configstore or the runservice.
public struct MaintenanceClient: Sendable {
    private let connection: ServiceConnection

    /// Calls over a connection.
    public init(connection: ServiceConnection) {
        self.connection = connection
    }

    /// Whether the service is in maintenance, and each of its processes.
    /// - Throws: ``RemoteError`` of kind `unavailable` while the service opens its store.
    public func status() async throws -> MaintenanceStatus {
        try await connection.get(Self.path)
    }

    /// Asks for maintenance; the service's processes notice by themselves, shortly after.
    /// - Throws: ``RemoteError`` with code `maintenanceAlreadyEnabled`.
    public func enable() async throws {
        try await connection.send(.put, Self.path)
    }

    /// Asks for the end of the maintenance.
    /// - Throws: ``RemoteError`` with code `maintenanceAlreadyDisabled`.
    public func disable() async throws {
        try await connection.send(.delete, Self.path)
    }

    /// The service's records as a stream, in any mode.
    /// - Returns: the answer, whose length is known; a body that breaks off is not whole.
    public func export() async throws -> HTTPReply {
        try await attempt("open the export") {
            try await ServiceConnection.checked(try await connection.open(.get, "/api/v1alpha/export"))
        }
    }

    /// Replaces the service's records by those of an export.
    /// - Parameters:
    ///   - stream: the export.
    ///   - options: how.
    /// - Returns: what was imported.
    /// - Throws: ``RemoteError`` with code `notInMaintenance`, `instancesNotReady`, `invalidImport` or `importUnderWay`.
    public func importStream(_ stream: HTTPBody, _ options: ImportOptions) async throws -> ImportReport {
        var query: [(String, String)] = []
        if options.isDryRun { query.append(("dryRun", "true")) }
        if options.isForced { query.append(("force", "true")) }
        if options.skipsUnknownTypes { query.append(("skipUnknown", "true")) }
        return try await attempt("import") {
            let reply = try await connection.open(.post, "/api/v1alpha/import", query: query, body: stream)
            return try JSONCoding.decode(
                ImportReport.self,
                from: try await ServiceConnection.checked(reply).collect()
            )
        }
    }

    private static let path = "/api/v1alpha/maintenance"
}
