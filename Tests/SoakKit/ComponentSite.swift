import Base
import FoundationEssentials
import GatewayService
import HTTPTransport
import HTTPTypes
import Model
package import ServiceKit
package import TestSupport
package import WorkerClients

/// An installation behind the real nginx, with a user, a project and its repository; its components are processes.
package struct ComponentSite: Sendable {
    /// The project, as a path of the public API.
    package static let projectPath = "/api/v1alpha/projects/user%2Fada%2Fnumbers"

    /// Where the test keeps its own files.
    package let directory: String
    /// Where the components keep theirs.
    package let data: String
    /// The address of nginx.
    package let url: String
    package let processes: ComponentProcesses
    /// The public API, as ada.
    package let api: ServiceConnection
    /// The configstore itself.
    package let configstore: ConfigStoreClient
    /// The runservice itself, which knows more than the public API shows.
    package let runservice: RunServiceClient
    /// The public API, as the administrator whom it knows also while nobody can be looked up.
    let administration: ServiceConnection
    /// The group of the project's runs.
    package let group: String
    private let client: HTTPClient

    /// The token that is known also while nobody can be looked up.
    package static let adminToken = "admin-token-of-this-test"

    /// Ada's password.
    package static let password = "correct horse battery staple"

    private static let internalToken = "internal-token-of-this-test"

    /// Runs `body` beside an installation.
    /// - Parameters:
    ///   - arrangement: how the components are spread over processes.
    ///   - driver: the executor's.
    ///   - data: the directory in which the components keep their data; one of the test's own by default.
    ///   - body: the test.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, or why the installation does not start.
    package static func with<Value: Sendable>(
        _ arrangement: ComponentProcesses.Arrangement,
        driver: ExecutorConfiguration.DriverKind = .host,
        data: String? = nil,
        _ body: (ComponentSite) async throws -> Value
    ) async throws -> Value {
        let directory = TemporaryDirectory.path
        let data = data ?? directory
        let client = try HTTPClient()
        defer { client.shutdown() }
        for name in ["run", "logs", "trees"] {
            try FileManager.default.createDirectory(
                atPath: "\(directory)/\(name)",
                withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700]
            )
        }
        return try await TestNginx.run(render: { try nginxFiles($0, directory) }) { nginx in
            let path = "\(directory)/config.yml"
            try Data(configuration(nginx.url, driver, data).utf8).write(to: URL(filePath: path))
            return try await ComponentProcesses.with(arrangement, configuration: path, logs: "\(directory)/logs") {
                processes in
                try await body(try await make(directory, data, nginx.url, processes, client))
            }
        }
    }

    /// The files of nginx for an installation whose sockets lie in `run` below a directory.
    package static func nginxFiles(
        _ settings: TestNginx.Settings,
        _ directory: String
    ) throws -> [String: String] {
        let site = try NginxSite(
            listen: settings.listen,
            publicDirectory: "\(TestNginx.projectDirectory)/public",
            apiSocket: "\(directory)/run/gateway-api.sock",
            streamSocket: "\(directory)/run/gateway-stream.sock",
            user: settings.user,
            workers: 1
        )
        return site.files()
    }

    private static func configuration(
        _ url: String,
        _ driver: ExecutorConfiguration.DriverKind,
        _ data: String
    ) -> String {
        """
        id: chaos
        apiExposedURL: \(url)
        runDir: run
        internalServicesAPIToken: \(internalToken)
        gateway:
          adminToken: \(adminToken)
          unsecureCookies: true
          cookieSigning:
            key: 0123456789abcdef0123456789abcdef
        configstore:
          dataDir: \(data)/configstore
        runservice:
          dataDir: \(data)/runservice
        executor:
          dataDir: \(data)/executor
          activeTasksLimit: 4
          driver:
            type: \(driver.rawValue)
        gitserver:
          dataDir: \(data)/gitserver

        """
    }

    private static func make(
        _ directory: String,
        _ data: String,
        _ url: String,
        _ processes: ComponentProcesses,
        _ client: HTTPClient
    ) async throws -> ComponentSite {
        func service(_ component: Component) throws -> ServiceConnection {
            try connection(to: component, in: directory, client)
        }
        for component in [Component.configstore, .runservice, .gitserver, .gateway] {
            try await persistently { try await service(component).send(.get, "/readyz") }
        }
        let configstore = ConfigStoreClient(connection: try service(.configstore))
        _ = try await configstore.create(UserCreation(name: "ada", password: SecretValue(password)))
        let token = try await configstore.createToken(named: "test", forUser: "ada").value
        let api = ServiceConnection(client: client, endpoint: try .url(url), token: token)
        try await persistently { try await api.send(.get, "/api/v1alpha/version") }
        let project: Project = try await api.send(.post, "/api/v1alpha/projects", NewProject())
        return ComponentSite(
            directory: directory,
            data: data,
            url: url,
            processes: processes,
            api: api,
            configstore: configstore,
            runservice: RunServiceClient(connection: try service(.runservice)),
            administration: ServiceConnection(client: client, endpoint: try .url(url), token: SecretValue(adminToken)),
            group: "/project/\(project.id)",
            client: client
        )
    }

    /// The service itself.
    func connection(to component: Component) throws -> ServiceConnection {
        try Self.connection(to: component, in: directory, client)
    }

    private static func connection(
        to component: Component,
        in directory: String,
        _ client: HTTPClient
    ) throws -> ServiceConnection {
        let endpoint = try HTTPEndpoint.url("unix:\(directory)/run/\(component.rawValue).sock")
        return ServiceConnection(client: client, endpoint: endpoint, token: SecretValue(internalToken))
    }

    /// Waits until every run has ended.
    package func untilRest() async throws {
        try await patiently("every run ends", within: .seconds(90)) {
            let active = RunQuery(group: group, limit: 0, phases: ["queued", "running"])
            return try await persistently { try await runservice.runs(active) }.runs.isEmpty
        }
    }

    private struct NewProject: Encodable {
        let name = "numbers"
        let parent_ref = "user/ada"
        let visibility = "private"
        let repo_path = "ada/numbers"
        let remote_source_name = "local"
    }

    private struct Project: Decodable {
        let id: String
    }
}

// MARK: - Git

extension ComponentSite {
    /// Makes a work tree with a pipeline file, on a branch of its own.
    package func makeTree(_ branch: String, pipeline: String) async throws {
        let tree = "\(directory)/trees/\(branch)"
        try FileManager.default.createDirectory(atPath: "\(tree)/.martlet", withIntermediateDirectories: true)
        try Data(pipeline.utf8).write(to: URL(filePath: "\(tree)/.martlet/config.yml"))
        _ = try await git(branch, "init", "-q", "--initial-branch", branch)
        _ = try await git(branch, "add", ".")
    }

    /// Commits what has been added, even if that is nothing.
    /// - Returns: the commit.
    package func commit(_ branch: String, message: String) async throws -> String {
        _ = try await git(branch, "commit", "-q", "--allow-empty", "-m", message)
        return String(try await git(branch, "rev-parse", "HEAD").prefix(40))
    }

    /// Pushes the branch.
    /// - Returns: whether git says that this was done, and what it says otherwise.
    package func push(_ branch: String) async throws -> (isSuccess: Bool, output: String, error: String) {
        let tree = "\(directory)/trees/\(branch)"
        let arguments = ["push", "-q", "\(url)/repos/ada/numbers.git", branch]
        return try await TestProcess.run("git", arguments, in: tree, environment: environment)
    }

    private func git(_ branch: String, _ arguments: String...) async throws -> String {
        try await TestProcess.require("git", arguments, in: "\(directory)/trees/\(branch)", environment: environment)
    }

    private var environment: [String: String] {
        [
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "credential.helper",
            "GIT_CONFIG_VALUE_0": "!f() { echo username=ada; echo \"password=\(Self.password)\"; }; f",
            "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.org",
        ]
    }
}
