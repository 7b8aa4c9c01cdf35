import Base
import Crypto
import FoundationEssentials
import Glibc
import HTTPTransport
import HTTPTypes
import Logging
import Model
import ServiceKit
import ServiceLifecycle
import Subprocess
import SystemPackage
import TestSupport

@testable import GitService

/// A git server with a gateway that takes its webhooks, and the real git as its client.
struct GitFixture: Sendable {
    let directory: String
    let gateway: FakeGateway
    let relay: TCPRelay
    let client: HTTPClient
    static let user = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"

    var socketPath: String { "\(directory)/g.sock" }

    /// Runs `body` beside a running service.
    static func with(
        configure: (inout GitServerConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (GitFixture) async throws -> Void
    ) async throws {
        let directory = TemporaryDirectory.path
        let gateway = FakeGateway(socketPath: "\(directory)/w.sock")
        var configuration = GitServerConfiguration()
        configuration.dataDirectory = "\(directory)/data"
        configuration.socketPath = "\(directory)/g.sock"
        configuration.token = SecretValue("internal")
        configuration.gateway = ServiceEndpoint(url: "unix:\(gateway.socketPath)")
        configure(&configuration)
        let (listening, isListening) = AsyncStream<Void>.makeStream()
        let daemon = try await GitDaemon(configuration: configuration) { isListening.finish() }
        var logger = Logger(label: "test")
        logger.logLevel = .error
        let services = ServiceGroup(services: [gateway, daemon], logger: logger)
        let relay = try TCPRelay(to: configuration.socketPath)
        defer { relay.close() }
        let fixture = GitFixture(directory: directory, gateway: gateway, relay: relay, client: try HTTPClient())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            for await _ in listening {}
            try await body(fixture)
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
        }
    }

    /// The address of a repository for git.
    func url(_ repository: String) -> String { "http://127.0.0.1:\(relay.port)/repos/\(repository).git" }

    /// Calls the service like the gateway does.
    @discardableResult
    func call(
        _ method: HTTPRequest.Method,
        _ path: String,
        json: (any Encodable & Sendable)? = nil
    ) async throws -> (Int, [UInt8]) {
        let body = try json.map { HTTPBody.bytes(Array(try JSONCoding.encode($0))) } ?? .none
        let call = HTTPCall(
            method,
            .unix(socketPath),
            path,
            headers: [.authorization: "token internal"],
            body: body,
            deadline: .after(.seconds(30))
        )
        let reply = try await client.send(call)
        return (reply.status, try await reply.collect())
    }

    /// Creates a hosted repository that announces its pushes to `project`.
    func makeRepository(_ owner: String, _ name: String, project: String? = nil) async throws {
        try await call(.post, "/repos", json: GitRepositoryCreation(owner: owner, name: name))
        guard let project else { return }
        let binding = GitHookBinding(projectID: ProjectID(project), secret: SecretValue("s3cret"))
        try await call(.put, "/repos/\(owner)/\(name).git/hook", json: binding)
    }

    /// Runs git in a work tree below the test's directory.
    @discardableResult
    func git(_ arguments: String..., in tree: String = ".", failing: Bool = false) async throws -> String {
        try await git(arguments, in: tree, failing: failing)
    }

    /// Runs git in a work tree below the test's directory.
    @discardableResult
    func git(_ arguments: [String], in tree: String = ".", failing: Bool = false) async throws -> String {
        let headers = [
            "http.extraHeader=Authorization: token internal", "http.extraHeader=X-Martlet-User: \(Self.user)",
        ]
        let result = try await Subprocess.run(
            .name("git"),
            arguments: Arguments(headers.flatMap { ["-c", $0] } + arguments),
            environment: .custom([
                "PATH": "/usr/bin:/bin", "HOME": directory, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
                "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org",
                "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.org", "GIT_TRACE_PACKET": "0",
            ]),
            workingDirectory: FilePath("\(directory)/\(tree)"),
            output: .string(limit: 64 << 20),
            error: .string(limit: 64 << 20)
        )
        let text = result.standardOutput + result.standardError
        guard result.terminationStatus.isSuccess != failing else {
            throw Failure("git \(arguments) ended with \(result.terminationStatus): \(text)")
        }
        return text
    }

    /// Makes a work tree with one commit.
    @discardableResult
    func makeTree(_ name: String, file: String = "file", content: String = "content\n") async throws -> String {
        try await git("init", "-q", "-b", "main", name)
        return try await commit(in: name, file: file, content: content)
    }

    /// Adds a commit; returns its name.
    @discardableResult
    func commit(
        in tree: String,
        file: String = "file",
        content: String,
        message: String = "a message"
    ) async throws -> String {
        try Data(content.utf8).write(to: URL(filePath: "\(directory)/\(tree)/\(file)"))
        try await git("add", ".", in: tree)
        try await git("commit", "-q", "-m", message, in: tree)
        return try await head(of: tree)
    }

    /// The commit checked out.
    func head(of tree: String) async throws -> String {
        String(try await git("rev-parse", "HEAD", in: tree).prefix(40))
    }
}

extension GitFixture {
    /// A pack without objects: what goes with commands whose objects the server has.
    var emptyPack: [UInt8] {
        let head: [UInt8] = Array("PACK".utf8) + [0, 0, 0, 2, 0, 0, 0, 0]
        return head + Insecure.SHA1.hash(data: head)
    }

    /// Sends a receive-pack request as it is; returns the answer.
    func receivePack(_ repository: String, _ body: [UInt8], headers: HTTPFields = [:]) async throws -> [UInt8] {
        try await post("/repos/\(repository).git/git-receive-pack", body, headers: headers).1
    }

    /// Sends any request with a body; returns status and answer.
    func post(_ path: String, _ body: [UInt8], headers: HTTPFields = [:]) async throws -> (Int, [UInt8]) {
        var headers = headers
        headers[.authorization] = "token internal"
        let call = HTTPCall(
            .post,
            .unix(socketPath),
            path,
            headers: headers,
            body: .bytes(body),
            deadline: .after(.seconds(60))
        )
        let reply = try await client.send(call)
        return (reply.status, try await reply.collect())
    }
}
