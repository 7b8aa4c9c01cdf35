import Base
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Model
import SoakKit
import TestSupport
import Testing
import WorkerClients

/// An installation with a configuration file of its own, as the documentation tells people to make one: `martletd serve` behind nginx.
///
/// A process that is killed starts again.
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
        objectStorage: [String] = ["type: posix", "path: objects"],
        _ client: HTTPClient,
        _ body: (Installation, ComponentProcesses) async throws -> Value
    ) async throws -> Value {
        try await TemporaryDirectory.with { directory in
            try await TestNginx.run(render: { try ComponentSite.nginxFiles($0, directory) }) { nginx in
                let path = "\(directory)/config.yml"
                try AtomicFile.write(configuration(nginx.url, objectStorage).utf8, to: path)
                return try await ComponentProcesses.with(.together, configuration: path, logs: directory) { processes in
                    for name in ["configstore", "runservice", "gitserver", "gateway"] {
                        try await waitUntil("readyz", name, directory, client)
                    }
                    let id = processes.lives["all"] ?? 0
                    return try await body(
                        Installation(data: directory, port: nginx.port, processID: id, token: adminToken, password: ""),
                        processes
                    )
                }
            }
        }
    }

    /// Kills the installation, and waits until it answers again, in whatever mode.
    static func kill(_ processes: ComponentProcesses, _ installation: Installation, _ client: HTTPClient) async throws {
        let life = processes.lives["all"]
        try await processes.kill("all")
        try await eventually("the installation runs again", within: .seconds(60)) {
            processes.lives["all"].map { $0 != life } ?? false
        }
        for name in ["configstore", "runservice", "gitserver", "gateway"] {
            try await waitUntil("healthz", name, installation.data, client)
        }
    }

    /// Makes the user `admin` and the project `admin/hello`, pushes to it from a work tree `first`, and waits for the success of the run.
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
        let tree = "\(TemporaryDirectory.path)/first"
        try FileManager.default.createDirectory(atPath: "\(tree)/.martlet", withIntermediateDirectories: true)
        try AtomicFile.write(pipeline.utf8, to: "\(tree)/.martlet/config.yml")
        try AtomicFile.write("nothing\n".utf8, to: "\(tree)/README.md")
        for line in [
            "init -q --initial-branch main", "add .", "remote add origin \(installation.url)/repos/admin/hello.git",
        ] {
            try await TestProcess.require("git", line.split(separator: " ").map(String.init), in: tree)
        }
        try await installation.push("before the backup", from: "first")
        try await installation.waitForGreen(1, client)
        return installation
    }

    /// The step prints more than fits into one part of an upload.
    private static let pipeline = """
        runs:
          - name: hello
            tasks:
              - name: greet
                runtime:
                  containers:
                    - image: host
                steps:
                  - clone:
                  - run:
                      name: loud
                      tty: false
                      command: |
                        cat README.md
                        seq -f 'line %016.0f of a log that is longer than others' 150000

        """

    private struct NewProject: Encodable {
        let name = "hello"
        let parent_ref = "user/admin"
        let visibility = "private"
        let repo_path = "admin/hello"
        let remote_source_name = "local"
    }

    private static let adminToken = "admin-token-of-this-test"

    private static func waitUntil(
        _ route: String,
        _ name: String,
        _ directory: String,
        _ client: HTTPClient
    ) async throws {
        let service = try service(name, directory, client)
        try await eventually("the \(name) says \(route)", within: .seconds(60)) {
            do {
                try await service.send(.get, "/\(route)")
                return true
            } catch  where !ErrorChain(error).isCancellation {
                return false
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
}
