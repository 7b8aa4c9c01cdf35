import Base
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import TestSupport
import Testing
import WorkerClients

/// A whole installation, started as a user starts it: `martletd up` with the real nginx, git, SQLite and bubblewrap.
struct Installation: Sendable {
    let data: String
    let port: UInt16
    let processID: Int32
    var token: String
    var password: String

    var url: String { "http://127.0.0.1:\(port)" }

    /// Starts an installation in the test's directory, waits until it serves, runs `body`, and stops it.
    ///
    /// A second call with the same port finds what the first one left.
    /// One that `isEmpty` begins without users and projects, and knows the installation's admin token alone.
    static func with<Value: Sendable>(
        port: UInt16,
        name: String = "run",
        isEmpty: Bool = false,
        _ body: (Installation) async throws -> Value
    ) async throws -> Value {
        let data = "\(TemporaryDirectory.path)/\(name)"
        let log = "\(TemporaryDirectory.path)/\(name).log"
        let arguments =
            [
                "up", "--data", data, "--port", "\(port)", "--nginx-dir", "\(TestNginx.projectDirectory)/nginx",
                "--public-dir",
                "\(TestNginx.projectDirectory)/public", "--detailed-errors",
            ] + (isEmpty ? ["--empty"] : [])
        do {
            let outcome = try await TestProcess.with("martletd", arguments, log: log) { id in
                try await eventually("the installation is ready", within: .seconds(60)) {
                    try String(contentsOfFile: log, encoding: .utf8).contains("Martlet serves")
                }
                let installation = Installation(
                    data: data,
                    port: port,
                    processID: id,
                    token: try read("\(data)/\(isEmpty ? "keys/gateway-admin-token" : "admin-token")"),
                    password: isEmpty ? "" : try read("\(data)/admin-password")
                )
                return try await body(installation)
            }
            #expect(outcome.isSuccess, "martletd did not end in order")
            try attach(log)
            try FileManager.default.removeItem(atPath: log)
            return outcome.value
        } catch {
            try attach(log)
            throw error
        }
    }

    /// A connection to the public API, as the admin.
    func api(_ client: HTTPClient) throws -> ServiceConnection {
        ServiceConnection(client: client, endpoint: try .url(url), token: SecretValue(token))
    }

    /// The environment in which git knows the admin's password.
    var gitEnvironment: [String: String] {
        [
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "credential.helper",
            "GIT_CONFIG_VALUE_0": "!f() { echo username=admin; echo \"password=$TEST_PASSWORD\"; }; f",
            "TEST_PASSWORD": password, "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.org",
            "GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.org",
        ]
    }

    private static func read(_ path: String) throws -> String {
        try String(contentsOfFile: path, encoding: .utf8).trimmingSuffix { $0.isWhitespace }
    }

    private static func attach(_ log: String) throws {
        Attachment.record(try String(contentsOfFile: log, encoding: .utf8), named: "martletd.log")
    }
}

extension String {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> String {
        var text = self[...]
        while let last = text.last, predicate(last) { text.removeLast() }
        return String(text)
    }
}

/// A run as the public API shows it, as far as tests look.
struct PublicRun: Decodable {
    let number: Int
    let phase: String
    let result: String
}

/// A run with its tasks.
struct PublicRunDetails: Decodable {
    struct Task: Decodable {
        let id: String
        let name: String
        let status: String
    }

    let phase: String
    let result: String
    let tasks: [String: Task]
}
