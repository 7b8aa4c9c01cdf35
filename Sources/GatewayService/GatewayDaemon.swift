import Base
import FastCGI
import GitSources
import HTTPTransport
import Hummingbird
import Logging
import Model
import NIOCore
package import ServiceKit
import ServiceLifecycle
import WorkerClients

/// The gateway: authenticates, authorises, forwards to the workers, and keeps no state.
///
/// One router on three sockets: FastCGI for short requests, FastCGI for followers of logs and events, and plain HTTP for the git
/// server's webhooks and health.
package struct GatewayDaemon: Service {
    private let configuration: GatewayConfiguration
    private let version: String
    private let client: HTTPClient
    private let onListening: @Sendable () async -> Void

    /// Prepares the gateway.
    /// - Parameters:
    ///   - configuration: where it listens, and whom it forwards to.
    ///   - version: the program's version.
    ///   - onListening: called once the internal socket accepts requests.
    /// - Throws: ``Failure`` when the transport cannot be set up.
    package init(
        configuration: GatewayConfiguration,
        version: String,
        onListening: @escaping @Sendable () async -> Void = {}
    ) throws {
        self.configuration = configuration
        self.version = version
        self.onListening = onListening
        client = try HTTPClient()
    }

    /// Serves until graceful shutdown.
    /// - Throws: ``Failure`` when a socket cannot be used.
    package func run() async throws {
        defer { client.shutdown() }
        let responder = try router().buildResponder()
        let group = ServiceGroup(
            services: [
                FastCGIServer(
                    configuration: FastCGIConfiguration(
                        socketPath: configuration.apiSocketPath,
                        threads: configuration.apiThreads,
                        name: "api"
                    ),
                    responder: responder
                ),
                FastCGIServer(
                    configuration: FastCGIConfiguration(
                        socketPath: configuration.streamSocketPath,
                        threads: configuration.streamThreads,
                        name: "stream",
                        // nginx limits what comes here, but for git and imports, which are of any size.
                        bodyLimit: nil
                    ),
                    responder: responder
                ),
                UnixHTTPServer(
                    name: "gateway",
                    socketPath: configuration.socketPath,
                    responder: responder,
                    onListening: onListening
                ),
            ],
            logger: Logger.current
        )
        try await attempt("serve the gateway") { try await group.run() }
    }

    private func router() throws -> Router<GatewayContext> {
        let router = Router(context: GatewayContext.self)
        router.addMiddleware {
            RequestLogMiddleware()
            ErrorMiddleware()
        }
        HealthRoutes { true }.add(to: router)
        let configstore = ConfigStoreClient(connection: try connection(to: configuration.configstore))
        let runservice = RunServiceClient(connection: try connection(to: configuration.runservice))
        let git = LocalGitSource(connection: try connection(to: configuration.gitserver))
        let identity = Identity(configuration: configuration, configstore: configstore)
        let credentials = CloneCredentials(
            key: configuration.cookieSigningKey,
            lifetime: configuration.cloneTokenDuration
        )
        let submission = RunSubmission(
            git: git,
            runservice: runservice,
            credentials: credentials,
            apiExposedURL: configuration.apiExposedURL
        )
        WebhookReceiver(configstore: configstore, submission: submission).add(to: router)
        RepositoryProxy(identity: identity, credentials: credentials, git: git).add(to: router)
        let workers = [
            "configstore": MaintenanceClient(connection: try connection(to: configuration.configstore)),
            "runservice": MaintenanceClient(connection: try connection(to: configuration.runservice)),
        ]
        let backup = BackupProxy(workers: [
            "configstore": try connection(to: configuration.configstore),
            "runservice": try connection(to: configuration.runservice),
            "gitserver": try connection(to: configuration.gitserver),
        ])
        addAPI(to: router, configstore, runservice, git, identity, credentials, submission, workers, backup)
        return router
    }

    private func addAPI(
        to router: Router<GatewayContext>,
        _ configstore: ConfigStoreClient,
        _ runservice: RunServiceClient,
        _ git: LocalGitSource,
        _ identity: Identity,
        _ credentials: CloneCredentials,
        _ submission: RunSubmission,
        _ workers: [String: MaintenanceClient],
        _ backup: BackupProxy
    ) {
        let open = router.group("/api/v1alpha")
        let optional = router.group("/api/v1alpha")
            .add(middleware: AuthenticationMiddleware(.optional, identity: identity))
        let required = router.group("/api/v1alpha")
            .add(middleware: AuthenticationMiddleware(.required, identity: identity))
        let version = version
        open.get("version") { _, _ in try Response.json(["service": "gateway", "version": version]) }
        let groups = ProjectGroupRoutes(configstore: configstore)
        let owners = RunOwnerLookup(configstore: configstore)
        UserRoutes(configstore: configstore, git: git, identity: identity).add(open: open, required: required)
        groups.add(open: open, required: required)
        ProjectRoutes(configstore: configstore, git: git, groups: groups, apiExposedURL: configuration.apiExposedURL)
            .add(optional: optional, required: required)
        RunRoutes(runservice: runservice, owners: owners, credentials: credentials)
            .add(optional: optional, required: required)
        EventRoutes(runservice: runservice, owners: owners).add(optional: optional)
        CreateRunRoutes(submission: submission, owners: owners, git: git).add(required: required)
        ServiceMaintenanceRoutes(workers: workers, identity: identity).add(required: required)
        backup.add(required: required)
    }

    private func connection(to endpoint: ServiceEndpoint) throws -> ServiceConnection {
        ServiceConnection(client: client, endpoint: try .url(endpoint.url), token: endpoint.token)
    }
}
