import Base
import Foundation
import HTTPTransport
import HTTPTypes
import Logging
import Model
import ServiceKit
import ServiceLifecycle
import Subprocess
import WorkerClients

/// Makes the admin, the hello project and its first commit once everything serves; finds them again on later starts.
///
/// Every step looks before it acts, so that a start that died anywhere is completed by the next one. An installation that began empty
/// stays as it is.
struct FirstStart: Service {
    private static let user = "admin"

    let installation: InstallationDirectory
    let configuration: DaemonConfiguration

    func run() async throws {
        // Ending in order, not by an error: that would cancel the services that are still stopping.
        _ = try await untilGracefulShutdown {
            let client = try HTTPClient()
            defer { client.shutdown() }
            let configstore = ConfigStoreClient(connection: try connection(client, configuration.gateway.configstore))
            let runservice = try connection(client, configuration.gateway.runservice)
            try await eventually("the configstore answers") { _ = try await configstore.users() }
            try await eventually("the runservice is ready") { try await runservice.send(.get, "/readyz") }
            let beganEmpty = installation.beganEmpty
            if !beganEmpty { try await makeAdmin(configstore) }
            let token = beganEmpty ? installation.gatewayAdminTokenPath : installation.tokenPath
            let gateway = ServiceConnection(
                client: client,
                endpoint: try .url(installation.url),
                token: try installation.secret(token)
            )
            try await eventually("the gateway answers") {
                _ = try await gateway.get("/api/v1alpha/version", as: [String: String].self)
            }
            if isBeingRestored {
                tellOfRestore()
            } else if beganEmpty {
                greetEmpty()
            } else {
                try await makeHello(gateway)
                greet()
            }
            // Ends with the process: a service that returns would end the others, too.
            while true { try await Task.sleep(for: .seconds(86_400)) }
        }
    }

    private func connection(_ client: HTTPClient, _ endpoint: ServiceEndpoint) throws -> ServiceConnection {
        ServiceConnection(client: client, endpoint: try .url(endpoint.url), token: endpoint.token)
    }

    private func eventually(_ what: String, _ attempt: () async throws -> Void) async throws {
        var deadline = Deadline.after(.seconds(30))
        var wasTold = false
        while true {
            do {
                return try await attempt()
            } catch let error where ErrorChain(error).first(RemoteError.self)?.code == "maintenance" {
                // Somebody wanted that and will end it; an installation that went down could not even be told to.
                if !wasTold { tellOfMaintenance() }
                wasTold = true
                deadline = .after(.seconds(30))
            } catch {
                if ErrorChain(error).isCancellation { throw error }
                if deadline.isPast { throw Failure("not within 30 s: \(what)", cause: error) }
            }
            try await Task.sleep(for: wasTold ? .milliseconds(500) : .milliseconds(20))
        }
    }

    private func makeAdmin(_ configstore: ConfigStoreClient) async throws {
        do {
            _ = try await configstore.user(Self.user)
        } catch {
            guard ErrorChain(error).first(RemoteError.self)?.kind == .notExist else { throw error }
            let password = try installation.secret(installation.passwordPath)
            _ = try await configstore.create(UserCreation(name: Self.user, password: password, isAdmin: true))
        }
        // An import may have replaced the user whose token was written down.
        if FileManager.default.fileExists(atPath: installation.tokenPath),
            try await configstore.user(forToken: installation.secret(installation.tokenPath)) != nil
        {
            return
        }
        // A start may have died between creating the token and writing it down; nobody knows that one's value.
        if try await configstore.tokens(ofUser: Self.user).contains(where: { $0.name == "admin" }) {
            try await configstore.deleteToken(named: "admin", ofUser: Self.user)
        }
        let token = try await configstore.createToken(named: "admin", forUser: Self.user)
        try InstallationDirectory.write(token.value.revealed + "\n", to: installation.tokenPath)
    }

    private struct Hello: Encodable {
        let name = "hello"
        let parent_ref = "user/admin"
        let visibility = "public"
        let repo_path = "admin/hello"
        let remote_source_name = "local"
    }

    private func makeHello(_ gateway: ServiceConnection) async throws {
        do {
            try await gateway.send(.get, "/api/v1alpha/projects/user%2Fadmin%2Fhello")
        } catch {
            guard ErrorChain(error).first(RemoteError.self)?.kind == .notExist else { throw error }
            try await gateway.send(.post, "/api/v1alpha/projects", Hello())
        }
        guard try await !HelloRepository(installation: installation).hasCommits() else { return }
        try await HelloRepository(installation: installation).push()
    }

    private func tellOfMaintenance() {
        guard !isBeingRestored else { return tellOfRestore() }
        let text = """

            Martlet is in maintenance; it goes on by

              martlet maintenance disable configstore --gateway-url \(installation.url) \
                --token-file \(installation.gatewayAdminTokenPath)

            (or runservice)

            """
        FileHandle.standardOutput.write(Data(text.utf8))
    }

    private var isBeingRestored: Bool {
        let directories = [
            configuration.configstore.dataDirectory, configuration.runservice.dataDirectory,
            configuration.gitserver.dataDirectory,
        ]
        return directories.contains { RestoreMark.exists(in: $0) }
    }

    private func tellOfRestore() {
        let text = """

            A restore into this installation has not ended, and until then it is not whole. Repeat it with the same backup:

              martlet restore BACKUP --gateway-url \(installation.url) \
                --token-file \(installation.gatewayAdminTokenPath)

            or begin again with another empty installation.

            """
        FileHandle.standardOutput.write(Data(text.utf8))
    }

    private func greetEmpty() {
        let text = """

            Martlet serves \(installation.url), an installation that began empty

              admin token   in \(installation.gatewayAdminTokenPath)
              restore       martlet restore BACKUP --gateway-url \(installation.url) \
            --token-file \(installation.gatewayAdminTokenPath)

            Ctrl-C stops everything; the next start finds it again.

            """
        FileHandle.standardOutput.write(Data(text.utf8))
    }

    private func greet() {
        let text = """

            Martlet serves \(installation.url)

              sign in       user \(Self.user), password in \(installation.passwordPath)
              API token     in \(installation.tokenPath)
              admin token   in \(installation.gatewayAdminTokenPath)   (for maintenance, export and import)
              first run     \(installation.url)/user/admin/hello
              push to it    git clone \(installation.url)/repos/admin/hello.git   (the same user and password)
              command line  martlet login --gateway-url \(installation.url) --username \(Self.user)

            Ctrl-C stops everything; the next start finds it again.

            """
        FileHandle.standardOutput.write(Data(text.utf8))
    }
}
