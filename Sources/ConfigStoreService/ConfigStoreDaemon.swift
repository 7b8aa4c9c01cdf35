package import ServiceKit
import ServiceLifecycle

/// The configstore: keeps users, tokens, projects and remote sources, and serves them to the other components.
package struct ConfigStoreDaemon: Service {
    private let service: MaintainedService

    /// Prepares the service; the store is opened when it runs.
    /// - Parameters:
    ///   - configuration: where the store lies and the service listens.
    ///   - passwordCost: what hashing a password costs.
    ///   - onListening: called once requests are accepted.
    /// - Throws: ``Failure`` when threads or memory are short.
    package init(
        configuration: ConfigStoreConfiguration,
        passwordCost: PasswordHash.Cost = .standard,
        onListening: @escaping @Sendable () async -> Void = {}
    ) async throws {
        let directory = configuration.dataDirectory
        // It has threads of its own, which outlive every mode.
        let passwords = try await PasswordHashing(cost: passwordCost)
        service = MaintainedService(
            name: "configstore",
            socketPath: configuration.socketPath,
            token: configuration.token,
            onListening: onListening,
            open: { try await ConfigStore.openStore(in: directory) },
            importRules: { ConfigExport.rules(try await ConfigStore.sealingKey(in: directory)) },
            makeBackup: { store in
                let mark = RestoreMark(directory: directory)
                return BackupRoutes(mark: mark) { group, isInMaintenance in
                    ConfigBackupAPI(
                        store: store,
                        keyPath: ConfigStore.keyPath(in: directory),
                        mark: mark,
                        isInMaintenance: isInMaintenance
                    ).addRoutes(to: group)
                }
            },
            makeParts: { store in
                let config = try await ConfigStore.begin(on: store, in: directory, passwords: passwords)
                return MaintainedService.Parts(addRoutes: ConfigStoreRoutes(config: config).add)
            }
        )
    }

    /// Serves until graceful shutdown, which lets running requests end.
    /// - Throws: ``Failure`` when the socket cannot be used, or the store will never be usable by this program.
    package func run() async throws {
        try await service.run()
    }
}
