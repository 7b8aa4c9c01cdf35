package import Base
package import ObjectStorage

/// The one configuration of an installation; every component takes its own part.
///
/// `ConfigurationLoader` reads it from YAML; the defaults live here.
package struct DaemonConfiguration: Sendable {
    /// The installation's name, used in webhooks and notices.
    package var id = "martlet"
    /// The gateway's address as clients, forges and runs see it.
    package var apiExposedURL = ""
    /// The web UI's address as people see it.
    package var webExposedURL = ""
    /// Holds the components' sockets.
    package var runDirectory = "/run/martlet"
    /// What the components prove to each other; nil leaves it to the sockets' mode.
    package var internalServicesAPIToken: SecretValue?
    /// The gateway's part.
    package var gateway = GatewayConfiguration()
    /// The configstore's part.
    package var configstore = ConfigStoreConfiguration()
    /// The runservice's part.
    package var runservice = RunServiceConfiguration()
    /// The executor's part.
    package var executor = ExecutorConfiguration()
    /// The gitserver's part.
    package var gitserver = GitServerConfiguration()

    /// The defaults.
    package init() {}
}

/// Where a component listens or is reached, and the token that goes with it.
package struct ServiceEndpoint: Sendable, Equatable {
    /// `unix:/path`, `http://host:port` or `https://host:port`.
    package var url: String
    /// What the caller must know.
    package var token: SecretValue?

    /// Names an endpoint.
    package init(url: String = "", token: SecretValue? = nil) {
        self.url = url
        self.token = token
    }
}

/// The gateway's settings.
package struct GatewayConfiguration: Sendable {
    /// Where the gateway's internal HTTP server listens, for webhooks of the gitserver and health.
    package var socketPath = ""
    /// The FastCGI socket of short requests.
    package var apiSocketPath = ""
    /// The FastCGI socket of log followers and event streams.
    package var streamSocketPath = ""
    /// The most short requests served at once.
    package var apiThreads = 32
    /// The most followers served at once.
    package var streamThreads = 1_200
    /// The gateway's address as clients see it.
    package var apiExposedURL = ""
    /// The web UI's address as people see it.
    package var webExposedURL = ""
    /// Where nginx listens, `host:port`.
    package var listenAddress = "127.0.0.1:8000"
    /// The web UI's files.
    package var publicDirectory = "public"
    /// Origins of other web UIs that may call the gateway; none by default.
    package var allowedOrigins: [String] = []
    /// Grants everything without being a user; nil disables it.
    package var adminToken: SecretValue?
    /// Signs session cookies, CSRF tokens and clone tokens; at least 32 bytes.
    package var cookieSigningKey = SecretValue("")
    /// How long a session lasts.
    package var sessionDuration: Duration = .seconds(12 * 3600)
    /// How long a run may fetch its commit.
    package var cloneTokenDuration: Duration = .seconds(24 * 3600)
    /// Whether cookies also go over plain HTTP.
    package var unsecureCookies = false
    /// The configstore.
    package var configstore = ServiceEndpoint()
    /// The runservice.
    package var runservice = ServiceEndpoint()
    /// The gitserver.
    package var gitserver = ServiceEndpoint()

    /// The defaults.
    package init() {}
}

/// The configstore's settings.
package struct ConfigStoreConfiguration: Sendable {
    /// Holds the store.
    package var dataDirectory = ""
    /// Where the service listens.
    package var socketPath = ""
    /// What callers must know.
    package var token: SecretValue?

    /// The defaults.
    package init() {}
}

/// The runservice's settings.
package struct RunServiceConfiguration: Sendable {
    /// Holds the store and the logs that still grow.
    package var dataDirectory = ""
    /// Where the service listens.
    package var socketPath = ""
    /// What callers must know.
    package var token: SecretValue?
    /// Where the objects are: complete logs, workspace archives and caches.
    package var objectStorage = ObjectStorageConfiguration(path: "")
    /// How long an executor may be silent before its tasks are lost.
    package var executorTimeout: Duration = .seconds(60)
    /// The most bytes of one workspace archive or cache.
    package var maximumArchiveBytes = 16 << 30
    /// How old caches get; zero for ever.
    package var runCacheExpireInterval: Duration = .seconds(7 * 24 * 3600)
    /// How old workspace archives get; zero for ever.
    package var runWorkspaceExpireInterval: Duration = .seconds(7 * 24 * 3600)
    /// How old logs get; zero for ever.
    package var runLogExpireInterval: Duration = .seconds(30 * 24 * 3600)

    /// The defaults.
    package init() {}
}

/// The executor's settings.
package struct ExecutorConfiguration: Sendable {
    /// How steps are isolated.
    package enum DriverKind: String, Sendable, CaseIterable {
        /// Namespaces, no daemon, no root.
        case sandbox
        /// Not at all: processes of the executor's own user.
        case host
    }

    /// What a task reaches beyond its own processes.
    package enum Network: String, Sendable, CaseIterable {
        /// The world, but no service of the host except the gateway.
        case egress
        /// Only the gateway.
        case none
    }

    /// Holds the executor's identity, spools and work directories.
    package var dataDirectory = ""
    /// Where the service answers health requests.
    package var socketPath = ""
    /// How steps are isolated.
    package var driver = DriverKind.sandbox
    /// How many tasks run at once.
    package var activeTasksLimit = 2
    /// Labels that pipelines may ask for.
    package var labels: [String: String] = [:]
    /// Whether privileged containers are accepted.
    package var allowsPrivileged = false
    /// What tasks reach.
    package var network = Network.egress
    /// Root directories by image name, beside `host`.
    package var images: [String: String] = [:]
    /// The most memory of a task in bytes; nil for no limit.
    package var memoryLimit: Int?
    /// The most processes of a task; nil for no limit.
    package var processLimit: Int? = 4_096
    /// The origin `host:port` that tasks fetch their commit from.
    package var gatewayAuthority: String?
    /// The runservice.
    package var runservice = ServiceEndpoint()

    /// The defaults.
    package init() {}
}

/// The gitserver's settings.
package struct GitServerConfiguration: Sendable {
    /// Holds the repositories and the outbox.
    package var dataDirectory = ""
    /// Where the service listens.
    package var socketPath = ""
    /// What callers must know.
    package var token: SecretValue?
    /// The most bytes of one push; nil for no limit.
    package var maximumPushBytes: Int?
    /// The gateway's internal HTTP server, which takes the webhooks.
    package var gateway = ServiceEndpoint()

    /// The defaults.
    package init() {}
}
