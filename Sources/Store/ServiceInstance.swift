package import FoundationEssentials

/// One process that serves a store, as it describes itself to the others.
package struct ServiceInstance: Codable, Sendable, Equatable {
    /// What an instance is doing.
    package enum Mode: String, Codable, Sendable {
        /// It has not decided yet.
        case starting
        /// It does the service's work.
        case normal
        /// It is leaving one mode for the other.
        case switching
        /// It serves maintenance, export and import alone.
        case maintenance
    }

    /// Tells instances apart.
    package let id: String
    /// The service.
    package let service: String
    /// The machine's name.
    package let host: String
    /// The process on that machine.
    package let pid: Int32
    /// Martlet's version.
    package let version: String
    /// What it is doing.
    package var mode: Mode
    /// The commit of the wish it follows; 0 without one.
    package var seenRevision: Revision
    /// Since when it has been in this mode.
    package var since: Date

    /// Describes an instance.
    package init(
        id: String,
        service: String,
        host: String,
        pid: Int32,
        version: String,
        mode: Mode,
        seenRevision: Revision,
        since: Date
    ) {
        self.id = id
        self.service = service
        self.host = host
        self.pid = pid
        self.version = version
        self.mode = mode
        self.seenRevision = seenRevision
        self.since = since
    }
}
