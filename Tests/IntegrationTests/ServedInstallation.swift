import Base
import FoundationEssentials
import GatewayService
import HTTPTransport
import HTTPTypes
import Model
import TestSupport
import Testing
import WorkerClients

/// An installation with a configuration file of its own, as the documentation tells people to make one: `martletd serve` behind nginx.
enum ServedInstallation {
    private static let internalToken = "internal-token-of-this-test"

    /// Starts an empty installation in a directory of its own, runs `body`, and stops it.
    /// - Parameters:
    ///   - objectStorage: the lines of `runservice.objectStorage`.
    ///   - client: asks the services whether they are ready.
    ///   - body: gets the installation with its admin token.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, or why the installation does not start.
    static func with<Value: Sendable>(
        objectStorage: [String],
        _ client: HTTPClient,
        _ body: (Installation) async throws -> Value
    ) async throws -> Value {
        try await TemporaryDirectory.with { directory in
            try await TestNginx.run(render: { try nginxFiles($0, directory) }) { nginx in
                let path = "\(directory)/config.yml"
                try AtomicFile.write(configuration(nginx.url, objectStorage).utf8, to: path)
                let (arguments, log) = (["serve", "--config", path, "--detailed-errors"], "\(directory)/log")
                defer { attach(log) }
                let outcome = try await TestProcess.with("martletd", arguments, log: log) { id in
                    try await waitUntilReady(directory, client)
                    return try await body(
                        Installation(data: directory, port: nginx.port, processID: id, token: adminToken, password: "")
                    )
                }
                #expect(outcome.isSuccess, "martletd did not end in order")
                return outcome.value
            }
        }
    }

    /// Makes the user `admin` and the project `admin/hello`.
    /// - Returns: the installation as that user sees it.
    static func populate(_ installation: Installation, _ client: HTTPClient) async throws -> Installation {
        let configstore = ConfigStoreClient(connection: try service("configstore", installation.data, client))
        var installation = installation
        installation.password = "correct horse battery staple"
        _ = try await configstore.create(
            UserCreation(name: "admin", password: SecretValue(installation.password), isAdmin: true)
        )
        installation.token = try await configstore.createToken(named: "test", forUser: "admin").value.revealed
        try await installation.api(client).send(.post, "/api/v1alpha/projects", NewProject())
        return installation
    }

    private struct NewProject: Encodable {
        let name = "hello"
        let parent_ref = "user/admin"
        let visibility = "private"
        let repo_path = "admin/hello"
        let remote_source_name = "local"
    }

    private static let adminToken = "admin-token-of-this-test"

    private static func waitUntilReady(_ directory: String, _ client: HTTPClient) async throws {
        for name in ["configstore", "runservice", "gitserver", "gateway"] {
            let service = try service(name, directory, client)
            try await eventually("the \(name) is ready", within: .seconds(60)) {
                do {
                    try await service.send(.get, "/readyz")
                    return true
                } catch  where !ErrorChain(error).isCancellation {
                    return false
                }
            }
        }
    }

    private static func service(_ name: String, _ directory: String, _ client: HTTPClient) throws -> ServiceConnection {
        ServiceConnection(
            client: client,
            endpoint: try .url("unix:\(directory)/run/\(name).sock"),
            token: SecretValue(internalToken)
        )
    }

    private static func nginxFiles(_ settings: TestNginx.Settings, _ directory: String) throws -> [String: String] {
        try NginxSite(
            listen: settings.listen,
            publicDirectory: "\(TestNginx.projectDirectory)/public",
            apiSocket: "\(directory)/run/gateway-api.sock",
            streamSocket: "\(directory)/run/gateway-stream.sock",
            user: settings.user,
            workers: 1
        ).files()
    }

    private static func configuration(_ url: String, _ objectStorage: [String]) -> String {
        """
        apiExposedURL: \(url)
        runDir: run
        internalServicesAPIToken: \(internalToken)
        gateway:
          adminToken: \(adminToken)
          unsecureCookies: true
          cookieSigning:
            key: 0123456789abcdef0123456789abcdef
        configstore:
          dataDir: configstore
        runservice:
          dataDir: runservice
          objectStorage:
        \(objectStorage.map { "    \($0)\n" }.joined())
        executor:
          dataDir: executor
          driver:
            type: sandbox
        gitserver:
          dataDir: gitserver

        """
    }

    private static func attach(_ log: String) {
        // A process that did not start has no log.
        Attachment.record((try? String(contentsOfFile: log, encoding: .utf8)) ?? "", named: "martletd.log")
    }
}
