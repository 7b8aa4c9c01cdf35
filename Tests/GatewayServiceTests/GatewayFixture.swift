import Base
import ConfigStoreService
import FoundationEssentials
import GatewayService
import GitService
import HTTPTransport
import HTTPTypes
import Logging
import Model
import ObjectStorage
import RunService
import ServiceKit
import ServiceLifecycle
import TestSupport
import Testing
import WorkerClients

/// A gateway before the real workers; no executor, so that runs wait.
struct GatewayFixture: Sendable {
    static let adminToken = SecretValue("the-admin-token-of-this-test")

    let http: HTTPClient
    let endpoint: HTTPEndpoint
    let configstore: ConfigStoreClient
    let directory: String

    static func with(
        _ change: (inout GatewayConfiguration) -> Void = { _ in },
        _ body: (GatewayFixture) async throws -> Void
    ) async throws {
        let directory = TemporaryDirectory.path
        var configuration = configuration(in: directory)
        change(&configuration.gateway)
        let complete = configuration
        let http = try HTTPClient()
        defer { http.shutdown() }
        try await TestService.with { onListening in
            AllServices(configuration: complete, onListening: onListening)
        } _: {
            let connection = ServiceConnection(
                client: http,
                endpoint: .unix(complete.configstore.socketPath),
                token: nil
            )
            try await body(
                GatewayFixture(
                    http: http,
                    endpoint: .unix(complete.gateway.socketPath),
                    configstore: ConfigStoreClient(connection: connection),
                    directory: directory
                )
            )
        }
    }

    private static func configuration(in directory: String) -> DaemonConfiguration {
        var configuration = DaemonConfiguration()
        configuration.configstore.dataDirectory = "\(directory)/configstore"
        configuration.configstore.socketPath = "\(directory)/c.sock"
        configuration.runservice.dataDirectory = "\(directory)/runservice"
        configuration.runservice.objectStorage = .init(path: "\(directory)/objects")
        configuration.runservice.socketPath = "\(directory)/r.sock"
        configuration.gitserver.dataDirectory = "\(directory)/git"
        configuration.gitserver.socketPath = "\(directory)/s.sock"
        configuration.gitserver.gateway = ServiceEndpoint(url: "unix:\(directory)/g.sock")
        var gateway = GatewayConfiguration()
        gateway.socketPath = "\(directory)/g.sock"
        gateway.apiSocketPath = "\(directory)/ga.sock"
        gateway.streamSocketPath = "\(directory)/gs.sock"
        gateway.apiExposedURL = "http://ci.example.org"
        gateway.webExposedURL = "http://ci.example.org"
        gateway.adminToken = adminToken
        gateway.unsecureCookies = true
        gateway.cookieSigningKey = SecretValue("0123456789abcdef0123456789abcdef")
        gateway.configstore = ServiceEndpoint(url: "unix:\(directory)/c.sock")
        gateway.runservice = ServiceEndpoint(url: "unix:\(directory)/r.sock")
        gateway.gitserver = ServiceEndpoint(url: "unix:\(directory)/s.sock")
        configuration.gateway = gateway
        return configuration
    }

    /// A user with a password and a token.
    func makeUser(_ name: String, isAdmin: Bool = false) async throws -> TestUser {
        let password = SecretValue("password of \(name)")
        let user = try await configstore.create(UserCreation(name: name, password: password, isAdmin: isAdmin))
        let token = try await configstore.createToken(named: "test", forUser: name)
        return TestUser(user: user, password: password.revealed, token: token.value)
    }

    /// Makes a request of the public API.
    func call(
        _ method: HTTPRequest.Method,
        _ path: String,
        token: SecretValue? = nil,
        headers: HTTPFields = [:],
        json: String? = nil
    ) async throws -> Answer {
        var headers = headers
        if let token { headers[.authorization] = "token \(token.revealed)" }
        let body = json.map { HTTPBody.bytes(Array($0.utf8)) } ?? .none
        let target = path.hasPrefix("/") ? path : "/api/v1alpha/\(path)"
        let reply = try await http.send(
            HTTPCall(method, endpoint, target, headers: headers, body: body, deadline: .after(.seconds(30)))
        )
        return Answer(status: reply.status, headers: reply.headers, bytes: try await reply.collect())
    }

    /// Makes a project of a repository of the user's own.
    func makeProject(_ name: String, of owner: TestUser, visibility: String = "public") async throws {
        let json = """
            {"name":"\(name)","visibility":"\(visibility)","repo_path":"\(owner.user.name)/\(name)","remote_source_name":"local"}
            """
        let answer = try await call(.post, "projects", token: owner.token, json: json)
        guard answer.status == 201 else { throw Failure("project \(name): \(answer)") }
    }
}

struct TestUser: Sendable {
    let user: User
    let password: String
    let token: SecretValue
}

/// An answer of the gateway.
struct Answer: CustomStringConvertible {
    let status: Int
    let headers: HTTPFields
    let bytes: [UInt8]

    var text: String { String(decoding: bytes, as: UTF8.self) }
    var description: String { "\(status) \(text)" }

    /// The code of the first error.
    var code: String? { ErrorBody.remoteError(status: status, body: bytes).code }

    /// The sentence of the first error.
    var message: String { ErrorBody.remoteError(status: status, body: bytes).message }

    func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try JSONCoding.decode(type, from: bytes)
    }

    /// The cookies that are set, by name.
    var cookies: [String: String] {
        var cookies: [String: String] = [:]
        for value in headers[values: .setCookie] {
            let pair = value.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
            cookies[String(pair[0])] = pair.count == 2 ? String(pair[1]) : ""
        }
        return cookies
    }
}

/// All workers and the gateway in this process.
private struct AllServices: Service {
    let configuration: DaemonConfiguration
    let onListening: @Sendable () async -> Void

    func run() async throws {
        let cost = PasswordHash.Cost(rounds: 16, blockSize: 8, parallelism: 1)
        let count = Countdown(from: 4, whenDone: onListening)
        let services: [any Service] = [
            try await ConfigStoreDaemon(configuration: configuration.configstore, passwordCost: cost) {
                await count.step()
            },
            RunServiceDaemon(configuration: configuration.runservice) { await count.step() },
            try await GitDaemon(configuration: configuration.gitserver) { await count.step() },
            try GatewayDaemon(configuration: configuration.gateway, version: "test") { await count.step() },
        ]
        try await ServiceGroup(services: services, logger: .current).run()
    }
}

private actor Countdown {
    private var left: Int
    private let whenDone: @Sendable () async -> Void

    init(from count: Int, whenDone: @escaping @Sendable () async -> Void) {
        left = count
        self.whenDone = whenDone
    }

    func step() async {
        left -= 1
        if left == 0 { await whenDone() }
    }
}
