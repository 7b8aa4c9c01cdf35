public import FoundationEssentials

/// Whether a service with a store is in maintenance, and whether all its processes have noticed.
///
/// On the wire the first two also go by the names that Agola gives them.
public struct MaintenanceStatus: Codable, Sendable, Equatable {
    /// Whether maintenance is wanted; kept in the service's store, so it outlives restarts.
    public var requestedStatus: Bool
    /// Whether the process that answered is in maintenance.
    public var currentStatus: Bool
    /// The processes that have the service's store open, the one that answered included.
    public var instances: [Instance]

    /// Makes a status.
    public init(requestedStatus: Bool, currentStatus: Bool, instances: [Instance]) {
        self.requestedStatus = requestedStatus
        self.currentStatus = currentStatus
        self.instances = instances
    }

    /// One process of a service.
    public struct Instance: Codable, Sendable, Equatable {
        /// Tells processes apart, also on one host.
        public var id: String
        /// The host's name.
        public var host: String
        /// The process id on that host.
        public var pid: Int32
        /// The program's version.
        public var version: String
        /// `starting`, `normal`, `switching` or `maintenance`.
        public var mode: String
        /// The revision of the wish that the process last saw.
        public var seenRevision: Int64
        /// Since when it is in its mode.
        public var since: Date

        /// Describes a process.
        public init(
            id: String,
            host: String,
            pid: Int32,
            version: String,
            mode: String,
            seenRevision: Int64,
            since: Date
        ) {
            self.id = id
            self.host = host
            self.pid = pid
            self.version = version
            self.mode = mode
            self.seenRevision = seenRevision
            self.since = since
        }
    }

    private enum CodingKeys: String, CodingKey {
        case requestedStatus, currentStatus, instances
        case agolaRequestedStatus = "RequestedStatus"
        case agolaCurrentStatus = "CurrentStatus"
    }

    /// Reads our names.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        requestedStatus = try container.decode(Bool.self, forKey: .requestedStatus)
        currentStatus = try container.decode(Bool.self, forKey: .currentStatus)
        instances = try container.decode([Instance].self, forKey: .instances)
    }

    /// Writes both names.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(requestedStatus, forKey: .requestedStatus)
        try container.encode(requestedStatus, forKey: .agolaRequestedStatus)
        try container.encode(currentStatus, forKey: .currentStatus)
        try container.encode(currentStatus, forKey: .agolaCurrentStatus)
        try container.encode(instances, forKey: .instances)
    }
}

/// How an import is to be made.
public struct ImportOptions: Sendable, Equatable {
    /// Whether the stream is only checked.
    public var isDryRun = false
    /// Whether processes that have not noticed the maintenance yet do not matter.
    public var isForced = false
    /// Whether records of types that the service does not know are left out instead of refused.
    public var skipsUnknownTypes = false

    /// The careful way.
    public init() {}
}

/// What an import did, or would do.
public struct ImportReport: Codable, Sendable, Equatable {
    /// The records of each type that are there now, or would be.
    public var records: [String: Int]
    /// What the user should know, in sentences.
    public var warnings: [String]
    /// Whether nothing was changed, as it was only a check.
    public var isDryRun: Bool

    /// Describes an import.
    public init(records: [String: Int], warnings: [String], isDryRun: Bool) {
        self.records = records
        self.warnings = warnings
        self.isDryRun = isDryRun
    }
}
