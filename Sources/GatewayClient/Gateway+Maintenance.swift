import Base
public import FoundationEssentials
public import HTTPTransport
import HTTPTypes

extension Gateway {
    /// A service that keeps a store.
    public enum Service: String, Sendable, CaseIterable {
        /// Users, tokens, projects.
        case configstore
        /// Runs.
        case runservice
    }

    /// Whether a service is in maintenance.
    public struct Maintenance: Codable, Sendable, Equatable {
        /// Whether maintenance is wanted.
        public var requestedStatus: Bool
        /// Whether the process that answered is in maintenance.
        public var currentStatus: Bool
        /// The service's processes.
        public var instances: [Instance]

        /// One process.
        public struct Instance: Codable, Sendable, Equatable {
            /// Tells processes apart.
            public var id: String
            /// Where it runs.
            public var host: String
            /// Its process id there.
            public var pid: Int32
            /// Its version.
            public var version: String
            /// `starting`, `normal`, `switching` or `maintenance`.
            public var mode: String
            /// Since when it is in that mode.
            public var since: Date
        }

        /// Whether the wish is everybody's state.
        public var isSettled: Bool {
            let mode = requestedStatus ? "maintenance" : "normal"
            return currentStatus == requestedStatus && instances.allSatisfy { $0.mode == mode }
        }
    }

    /// What an import did, or would do.
    public struct ImportReport: Codable, Sendable, Equatable {
        /// The records of each type.
        public var records: [String: Int]
        /// What the user should know.
        public var warnings: [String]
        /// Whether nothing was changed.
        public var isDryRun: Bool
    }

    /// How to import.
    public struct ImportOptions: Sendable, Equatable {
        /// Whether the stream is only checked.
        public var isDryRun = false
        /// Whether processes that are not in maintenance do not matter.
        public var isForced = false
        /// Whether records of unknown types are left out instead of refused.
        public var skipsUnknownTypes = false

        /// The careful way.
        public init() {}
    }

    /// Whether a service is in maintenance; for admins.
    /// - Throws: ``Refusal`` in the chain.
    public func maintenance(of service: Service) async throws -> Maintenance {
        try await get("/maintenance/\(service.rawValue)")
    }

    /// Asks a service to go into maintenance, or to leave it; for admins.
    ///
    /// Its processes follow shortly after.
    /// - Throws: ``Refusal`` in the chain, with code `maintenanceAlreadyEnabled` or `maintenanceAlreadyDisabled`.
    public func setMaintenance(_ isWanted: Bool, of service: Service) async throws {
        let reply = try await exchange(isWanted ? .put : .delete, "/maintenance/\(service.rawValue)")
        _ = try await reply.collect()
    }

    /// A service's records; for admins.
    /// - Returns: how many bytes follow, where the server says so, and the bytes; they hold secrets.
    /// - Throws: ``Refusal`` in the chain; what breaks off throws `HTTPTransportError` while it is read.
    public func export(_ service: Service) async throws -> (length: Int?, body: HTTPReplyBody) {
        let reply = try await exchange(.get, "/export/\(service.rawValue)", deadline: nil)
        return (reply.headers[.contentLength].flatMap { Int($0) }, reply.body)
    }

    /// Replaces a service's records by those of an export; for admins.
    /// - Parameters:
    ///   - stream: the export.
    ///   - service: whose records.
    ///   - options: how.
    /// - Returns: what was imported.
    /// - Throws: ``Refusal`` in the chain, with code `notInMaintenance`, `instancesNotReady`, `invalidImport` or `importUnderWay`.
    public func importStream(
        _ stream: HTTPBody,
        into service: Service,
        _ options: ImportOptions
    ) async throws -> ImportReport {
        let flags = [
            ("dryRun", options.isDryRun), ("force", options.isForced), ("skipUnknown", options.skipsUnknownTypes),
        ]
        let query = flags.filter(\.1).map { "\($0.0)=true" }.joined(separator: "&")
        let path = "/api/v1alpha/import/\(service.rawValue)" + (query.isEmpty ? "" : "?\(query)")
        let reply = try await exchange(.post, path: path, body: stream, deadline: nil)
        return try JSONCoding.decode(ImportReport.self, from: try await reply.collect())
    }
}
