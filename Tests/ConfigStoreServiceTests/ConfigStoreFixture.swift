import Base
import HTTPTransport
import Logging
import Model
import ServiceKit
import ServiceLifecycle
import TestSupport
import Testing
import WorkerClients

@testable import ConfigStoreService

/// A running configstore with clients on its Unix socket.
struct ConfigStoreFixture: Sendable {
    /// Cheap enough for tests that sign in often.
    static let cheap = PasswordHash.Cost(rounds: 1 << 4, blockSize: 8, parallelism: 1)

    let client: ConfigStoreClient
    let connection: ServiceConnection
    let http: HTTPClient
    let endpoint: HTTPEndpoint

    /// Runs `body` beside a configstore in the test's directory; a second one on the same data needs another socket.
    static func with<Value>(
        socket: String = "c.sock",
        token: SecretValue? = nil,
        cost: PasswordHash.Cost = cheap,
        _ body: (ConfigStoreFixture) async throws -> Value
    ) async throws -> Value {
        var configuration = ConfigStoreConfiguration()
        configuration.dataDirectory = "\(TemporaryDirectory.path)/data"
        configuration.socketPath = "\(TemporaryDirectory.path)/\(socket)"
        configuration.token = token
        let (listening, started) = AsyncStream<Void>.makeStream()
        let daemon = try await ConfigStoreDaemon(configuration: configuration, passwordCost: cost) { started.finish() }
        let services = ServiceGroup(
            configuration: .init(
                services: [.init(service: daemon)],
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
        )
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { started.finish() }
                try await services.run()
            }
            for await _ in listening {}
            let value: Value
            do {
                value = try await body(try ConfigStoreFixture(socketPath: configuration.socketPath, token: token))
            } catch {
                await services.triggerGracefulShutdown()
                throw error
            }
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
            return value
        }
    }

    private init(socketPath: String, token: SecretValue?) throws {
        http = try HTTPClient()
        endpoint = .unix(socketPath)
        connection = ServiceConnection(client: http, endpoint: endpoint, token: token)
        client = ConfigStoreClient(connection: connection)
    }

    /// A project in alice's tree, for tests that need one.
    func createProject(
        _ name: String,
        in parent: String = "user/alice",
        visibility: Visibility = .public
    ) async throws -> PlacedProject {
        try await client.create(
            ProjectCreation(
                name: name,
                parent: parent,
                visibility: visibility,
                remoteSource: "local",
                repositoryPath: "alice/\(name)"
            )
        )
    }

    /// A group, for tests that need one.
    @discardableResult
    func createGroup(
        _ name: String,
        in parent: String = "user/alice",
        visibility: Visibility = .public
    ) async throws -> PlacedProjectGroup {
        try await client.create(ProjectGroupCreation(name: name, parent: parent, visibility: visibility))
    }
}

/// What a service answered instead of a result; anything else that is thrown is recorded.
func refusal(
    sourceLocation: SourceLocation = #_sourceLocation,
    _ call: () async throws -> some Any
) async -> RemoteError? {
    do {
        _ = try await call()
        return nil
    } catch {
        guard let refusal = ErrorChain(error).first(RemoteError.self) else {
            Issue.record("no answer: \(ErrorChain(error))", sourceLocation: sourceLocation)
            return nil
        }
        return refusal
    }
}

/// Expects a refusal of a kind with a code and a sentence for people.
func expectRefusal(
    _ kind: ErrorKind,
    _ code: String,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ call: () async throws -> some Any
) async {
    let refusal = await refusal(sourceLocation: sourceLocation, call)
    #expect(refusal?.kind == kind, sourceLocation: sourceLocation)
    #expect(refusal?.code == code, sourceLocation: sourceLocation)
    #expect(
        refusal?.message.hasSuffix(".") == true,
        "no sentence: \(refusal?.message ?? "")",
        sourceLocation: sourceLocation
    )
}
