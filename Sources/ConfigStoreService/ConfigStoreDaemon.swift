package import ServiceKit
import ServiceLifecycle

/// The configstore: keeps users, tokens, projects and remote sources, and serves them to the other components.
package struct ConfigStoreDaemon: Service {
    private let config: ConfigStore
    private let server: InternalServer

    /// Opens the store.
    /// - Parameters:
    ///   - configuration: where the store lies and the service listens.
    ///   - passwordCost: what hashing a password costs.
    ///   - onListening: called once requests are accepted.
    /// - Throws: ``Failure`` naming the store's directory.
    package init(
        configuration: ConfigStoreConfiguration,
        passwordCost: PasswordHash.Cost = .standard,
        onListening: @escaping @Sendable () async -> Void = {}
    ) async throws {
        let config = try await ConfigStore.open(directory: configuration.dataDirectory, passwordCost: passwordCost)
        self.config = config
        server = InternalServer(
            name: "configstore",
            socketPath: configuration.socketPath,
            token: configuration.token,
            onListening: onListening,
            addRoutes: ConfigStoreRoutes(config: config).add
        )
    }

    /// Serves until graceful shutdown, which lets running requests end.
    package func run() async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { try await config.run() }
            group.addTask { try await server.run() }
            // The server ends by itself at graceful shutdown, the watcher only by cancellation.
            try await group.next()
            group.cancelAll()
        }
    }
}
