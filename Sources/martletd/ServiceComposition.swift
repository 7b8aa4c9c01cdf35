import Base
import ConfigStoreService
import ExecutorService
import GatewayService
import GitService
import Glibc
import HTTPTransport
import Logging
import RunService
import ServiceKit
import ServiceLifecycle
import UnixSignals
import WorkerClients

/// Any set of components in one process.
struct ServiceComposition {
    /// SIGTERM means at most ten seconds; what is still running after eight is cancelled.
    private static let gracePeriod: Duration = .seconds(8)

    let configuration: DaemonConfiguration
    let components: Set<Component>

    /// Runs the components, and `extra` services that depend on them, until SIGTERM or SIGINT or until one of them ends.
    func run(extra: [any Service] = []) async throws {
        raiseDescriptorLimit()
        // Stopped in reverse order: first whoever takes requests, last whom others depend on.
        var services: [any Service] = []
        for component in [Component.configstore, .runservice, .gitserver, .executor, .gateway]
        where components.contains(component) {
            services.append(NamedService(name: component.rawValue, service: try await service(component)))
        }
        var group = ServiceGroupConfiguration(
            services: (services + extra).map { .init(service: $0) },
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: Logger.current
        )
        group.maximumGracefulShutdownDuration = Self.gracePeriod
        group.maximumCancellationDuration = .seconds(1)
        try await ServiceGroup(configuration: group).run()
    }

    // Every follower of a log or of events takes a descriptor; the usual soft limit of 1024 is for programs that use select.
    private func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    private func service(_ component: Component) async throws -> any Service {
        switch component {
        case .configstore: return try await ConfigStoreDaemon(configuration: configuration.configstore)
        case .runservice: return RunServiceDaemon(configuration: configuration.runservice)
        case .gitserver: return try await GitDaemon(configuration: configuration.gitserver)
        case .gateway: return try GatewayDaemon(configuration: configuration.gateway, version: MartletVersion.current)
        case .executor:
            let endpoint = configuration.executor.runservice
            let connection = ServiceConnection(
                client: try HTTPClient(),
                endpoint: try .url(endpoint.url),
                token: endpoint.token
            )
            return try ExecutorDaemon(
                configuration: configuration.executor,
                runService: RunServiceClient(connection: connection)
            )
        }
    }
}

/// Gives a service's log lines its name, and its failure a link that says whose it is.
private struct NamedService: Service {
    let name: String
    let service: any Service

    func run() async throws {
        try await withLogger(mergingMetadata: ["service": "\(name)"]) { logger in
            logger.notice("service starting")
            try await attempt("run \(name)") { try await service.run() }
            logger.notice("service stopped")
        }
    }
}
