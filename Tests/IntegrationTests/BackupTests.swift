import Base
import FoundationEssentials
import Glibc
import HTTPTransport
import TestSupport
import Testing

@Suite("A backup of everything", .temporaryDirectory, .timeLimit(.minutes(4)))
struct BackupTests {
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
            let outcome = try await installation.martlet("backup", "--out", backup)
            #expect(outcome.status == 0, "\(outcome.text)")
            var facts = stat()
            #expect(stat(backup, &facts) == 0 && facts.st_mode & 0o777 == 0o600)
            var now = content
            now.exports = try await installation.exports(client)
            return (now, installation.password)
        }
        let port = try TestProcess.freePort()
        try await Installation.with(port: port, name: "new", isEmpty: true) { installation in
            var installation = installation
            installation.password = password
            try await Self.refuse(backup, installation, client)
            let outcome = try await installation.martlet("restore", backup)
            #expect(outcome.status == 0, "\(outcome.text)")
            try await Self.compare(content, installation, client)
            try await Self.goOn(installation, client)
            let second = try await installation.martlet("restore", backup)
            #expect(second.status == 1 && second.text.contains("not empty"), "\(second.text)")
        }
        // The next start finds it as it is.
        try await Installation.with(port: port, name: "new", isEmpty: true) { installation in
            #expect(try await installation.exports(client)[0] == content.exports[0])
            try await installation.waitForGreen(4, client)
        }
    }

    // MARK: Steps

    private static func fill(_ installation: Installation, _ client: HTTPClient) async throws -> Content {
        try await installation.waitForGreen(1, client)
        try await installation.push("a change before the backup", from: "clone")
        try await installation.waitForGreen(2, client)
        return Content(
            exports: [],
            log: try await installation.log(of: 2, client),
            commit: try await TestProcess.require("git", ["rev-parse", "HEAD"], in: "\(TemporaryDirectory.path)/clone")
        )
    }

    /// Backs up while a run goes on, and waits for its end.
    private static func back(up installation: Installation, to path: String, _ client: HTTPClient) async throws {
        try await installation.push("a change during the backup", from: "clone")
        let outcome = try await installation.martlet("backup", "--out", path)
        #expect(outcome.status == 0, "\(outcome.text)")
        let verified = try await installation.martlet("backup", "verify", path)
        #expect(verified.status == 0 && verified.text.contains("is a whole backup"), "\(verified.text)")
        try await installation.waitForGreen(3, client)
    }

    /// A cut backup changes nothing, and neither does somebody who is not the installation's admin.
    private static func refuse(_ backup: String, _ installation: Installation, _ client: HTTPClient) async throws {
        let cut = "\(TemporaryDirectory.path)/cut.tar"
        let bytes = try Data(contentsOf: URL(filePath: backup))
        try bytes.prefix(bytes.count / 2).write(to: URL(filePath: cut))
        let before = try await installation.exports(client)
        let outcome = try await installation.martlet("restore", cut)
        #expect(outcome.status == 65 && outcome.text.contains("byte"), "\(outcome.text)")
        #expect(try await installation.exports(client) == before)
    }

    private static func compare(_ content: Content, _ installation: Installation, _ client: HTTPClient) async throws {
        let found = try await installation.exports(client)
        #expect(found[0] == content.exports[0], "the configstore's records differ")
        #expect(found[1] == content.exports[1], "the runservice's records differ")
        #expect(try await installation.log(of: 2, client) == content.log)
        try await installation.clone("again")
        let log = try await TestProcess.require("git", ["log", "--format=%H"], in: "\(TemporaryDirectory.path)/again")
        #expect(log.contains(content.commit))
    }

    /// The restored installation goes on: a push by the user of before makes the next run.
    private static func goOn(_ installation: Installation, _ client: HTTPClient) async throws {
        try await installation.push("a change after the restore", from: "again")
        try await installation.waitForGreen(4, client)
    }
}
