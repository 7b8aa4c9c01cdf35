import Base
import FoundationEssentials
import Glibc
import HTTPTransport
import HTTPTypes
import TestSupport
import Testing
import WorkerClients

@Suite("A backup of everything", .temporaryDirectory, .timeLimit(.minutes(4)))
struct BackupTests {
    private static let project = "/api/v1alpha/projects/user%2Fadmin%2Fhello"

    /// What an installation must have again after it was restored.
    private struct Content: Sendable, Equatable {
        /// The exports from the second line on.
        var exports: [[UInt8]]
        var log: String
        var commit: String
    }

    @Test(
        "made while runs go on, verified, refused when cut, restored into an empty installation that goes on and starts again"
    )
    func wholeJourney() async throws {
        let client = try HTTPClient()
        defer { client.shutdown() }
        let backup = "\(TemporaryDirectory.path)/backup.tar"
        let (content, password) = try await Installation.with(port: try TestProcess.freePort()) { installation in
            let content = try await Self.fill(installation, client)
            try await Self.back(up: installation, to: "\(TemporaryDirectory.path)/busy.tar", client)
            // Nothing runs any more, so that the exports of now are those in the backup.
            let outcome = try await Self.martlet(installation, "backup", "--out", backup)
            #expect(outcome.status == 0, "\(outcome.text)")
            var facts = stat()
            #expect(stat(backup, &facts) == 0 && facts.st_mode & 0o777 == 0o600)
            var now = content
            now.exports = try await Self.exports(installation, client)
            return (now, installation.password)
        }
        let port = try TestProcess.freePort()
        try await Installation.with(port: port, name: "new", isEmpty: true) { installation in
            var installation = installation
            installation.password = password
            try await Self.refuse(backup, installation, client)
            let outcome = try await Self.martlet(installation, "restore", backup)
            #expect(outcome.status == 0, "\(outcome.text)")
            try await Self.compare(content, installation, client)
            try await Self.goOn(installation, client)
            let second = try await Self.martlet(installation, "restore", backup)
            #expect(second.status == 1 && second.text.contains("not empty"), "\(second.text)")
        }
        // The next start finds it as it is.
        try await Installation.with(port: port, name: "new", isEmpty: true) { installation in
            #expect(try await Self.exports(installation, client)[0] == content.exports[0])
            try await Self.waitForGreen(4, try installation.api(client))
        }
    }

    // MARK: Steps

    private static func fill(_ installation: Installation, _ client: HTTPClient) async throws -> Content {
        let api = try installation.api(client)
        try await waitForGreen(1, api)
        try await push("a change before the backup", from: "clone", installation)
        try await waitForGreen(2, api)
        return Content(
            exports: [],
            log: try await log(of: 2, api),
            commit: try await TestProcess.require("git", ["rev-parse", "HEAD"], in: "\(TemporaryDirectory.path)/clone")
        )
    }

    /// Backs up while a run goes on, and waits for its end.
    private static func back(up installation: Installation, to path: String, _ client: HTTPClient) async throws {
        try await push("a change during the backup", from: "clone", installation)
        let outcome = try await martlet(installation, "backup", "--out", path)
        #expect(outcome.status == 0, "\(outcome.text)")
        let verified = try await martlet(installation, "backup", "verify", path)
        #expect(verified.status == 0 && verified.text.contains("is a whole backup"), "\(verified.text)")
        try await waitForGreen(3, try installation.api(client))
    }

    /// A cut backup changes nothing, and neither does somebody who is not the installation's admin.
    private static func refuse(_ backup: String, _ installation: Installation, _ client: HTTPClient) async throws {
        let cut = "\(TemporaryDirectory.path)/cut.tar"
        let bytes = try Data(contentsOf: URL(filePath: backup))
        try bytes.prefix(bytes.count / 2).write(to: URL(filePath: cut))
        let before = try await exports(installation, client)
        let outcome = try await martlet(installation, "restore", cut)
        #expect(outcome.status == 65 && outcome.text.contains("byte"), "\(outcome.text)")
        #expect(try await exports(installation, client) == before)
    }

    private static func compare(_ content: Content, _ installation: Installation, _ client: HTTPClient) async throws {
        let found = try await exports(installation, client)
        #expect(found[0] == content.exports[0], "the configstore's records differ")
        #expect(found[1] == content.exports[1], "the runservice's records differ")
        let api = try installation.api(client)
        #expect(try await log(of: 2, api) == content.log)
        try await clone("again", installation)
        let log = try await TestProcess.require("git", ["log", "--format=%H"], in: "\(TemporaryDirectory.path)/again")
        #expect(log.contains(content.commit))
    }

    /// The restored installation goes on: a push by the user of before makes the next run.
    private static func goOn(_ installation: Installation, _ client: HTTPClient) async throws {
        try await push("a change after the restore", from: "again", installation)
        try await waitForGreen(4, try installation.api(client))
    }

    // MARK: Tools

    private static func martlet(
        _ installation: Installation,
        _ arguments: String...
    ) async throws -> (status: Int32, text: String) {
        let local = arguments.contains("verify") ? [] : ["--gateway-url", installation.url]
        // The shell tells the exit status, which is a part of the contract.
        let program = "\(TestProcess.products)/martlet"
        let outcome = try await TestProcess.run(
            "sh",
            ["-c", "\"$@\"; echo \"exit=$?\"", "sh", program] + arguments + local,
            environment: ["MARTLET_TOKEN": installation.token, "HOME": TemporaryDirectory.path]
        )
        let status = outcome.output.split(separator: "\n").last { $0.hasPrefix("exit=") }.flatMap {
            Int32($0.dropFirst(5))
        }
        return (status ?? -1, outcome.output + outcome.error)
    }

    private static func exports(_ installation: Installation, _ client: HTTPClient) async throws -> [[UInt8]] {
        let api = try installation.api(client)
        var exports: [[UInt8]] = []
        for service in ["configstore", "runservice"] {
            let bytes = try await api.exchange(.get, "/api/v1alpha/export/\(service)")
            exports.append(Array(bytes.drop { $0 != UInt8(ascii: "\n") }))
        }
        return exports
    }

    private static func waitForGreen(_ number: Int, _ api: ServiceConnection) async throws {
        try await eventually("run \(number) is green", within: .seconds(60)) {
            let runs: [PublicRun] = try await api.get("\(project)/runs")
            guard let run = runs.first(where: { $0.number == number }), run.phase == "finished" else { return false }
            #expect(run.result == "success")
            return true
        }
    }

    private static func log(of run: Int, _ api: ServiceConnection) async throws -> String {
        let details: PublicRunDetails = try await api.get("\(project)/runs/\(run)")
        let id = try #require(details.tasks.values.first { $0.name == "greet" }?.id)
        let path = "\(project)/runs/\(run)/tasks/\(id)/logs"
        return String(decoding: try await api.exchange(.get, path, query: [("step", "1")]), as: UTF8.self)
    }

    private static func clone(_ name: String, _ installation: Installation) async throws {
        try await TestProcess.require(
            "git",
            ["clone", "-q", "\(installation.url)/repos/admin/hello.git", "\(TemporaryDirectory.path)/\(name)"],
            environment: installation.gitEnvironment
        )
    }

    private static func push(_ text: String, from name: String, _ installation: Installation) async throws {
        let tree = "\(TemporaryDirectory.path)/\(name)"
        if !FileManager.default.fileExists(atPath: tree) { try await clone(name, installation) }
        try Data("\(text)\n".utf8).write(to: URL(filePath: "\(tree)/README.md"))
        let environment = installation.gitEnvironment
        try await TestProcess.require("git", ["commit", "-q", "-a", "-m", text], in: tree, environment: environment)
        try await TestProcess.require("git", ["push", "-q", "origin", "main"], in: tree, environment: environment)
    }
}
