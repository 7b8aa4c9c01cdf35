import Base
import FoundationEssentials
import Glibc
import HTTPTransport
import HTTPTypes
import SoakKit
import Subprocess
import TestSupport
import Testing
import WorkerClients

@Suite("Backups, restores and exports that are killed", .temporaryDirectory, .timeLimit(.minutes(5)))
struct KilledBackupTests {
    /// What an installation must have again after it was restored.
    private struct Content: Sendable, Equatable {
        var exports: [[UInt8]]
        var log: String
        var commit: String
    }

    /// When a process is killed: a condition that is looked at again and again.
    private struct Moment: Sendable {
        let name: String
        let hasCome: @Sendable (_ since: ContinuousClock.Instant) -> Bool

        /// Later and later, so that a process that takes long is let through at last.
        static func after(_ milliseconds: Int) -> Moment {
            Moment(name: "after \(milliseconds) ms") { ContinuousClock.now - $0 >= .milliseconds(milliseconds) }
        }

        static func file(_ path: String) -> Moment {
            Moment(name: "when \(path) exists") { _ in access(path, F_OK) == 0 }
        }
    }

    private static let delays = (0..<30).map { Int(20 * pow(1.4, Double($0))) }

    @Test("leave no file, or a whole one, or one that says that it is not")
    func killedBackupsAndExports() async throws {
        let client = try HTTPClient()
        defer { client.shutdown() }
        try await ServedInstallation.with(client) { installation, _ in
            let installation = try await ServedInstallation.populate(installation, client)
            for arguments in [["backup"], ["export", "runservice"]] {
                for (index, delay) in Self.delays.enumerated() {
                    let name = "\(arguments[0])\(index)"
                    let line = arguments + ["--out", "\(TemporaryDirectory.path)/\(name)"]
                    let hasEnded = try await Self.kill(installation, line, .after(delay))
                    try await Self.expectWholeOrNothing(name, installation, client)
                    if hasEnded { break }
                }
            }
        }
    }

    @Test(
        "a restore is repeated until it is whole, whenever it or the installation was killed; until then nobody can take it for whole"
    )
    func killedRestores() async throws {
        let client = try HTTPClient()
        defer { client.shutdown() }
        let backup = "\(TemporaryDirectory.path)/backup.tar"
        let (content, admin) = try await ServedInstallation.with(client) { installation, _ in
            let installation = try await ServedInstallation.populate(installation, client)
            let outcome = try await installation.martlet("backup", "--out", backup)
            #expect(outcome.status == 0, "\(outcome.text)")
            return (try await Self.content(of: installation, client, clone: "origin"), installation)
        }
        try await ServedInstallation.with(client) { installation, _ in
            let marks = ["configstore", "runservice", "gitserver"].map { "\(installation.data)/\($0)/restoring" }
            let moments = marks.map { Moment.file($0) } + [.file("\(installation.data)/objects/logs")]
            for moment in moments + Self.delays.map(Moment.after) {
                let hasEnded = try await Self.kill(installation, ["restore", backup], moment)
                try await Self.expectSound(installation, admin, content, client, moment.name)
                if hasEnded { break }
            }
            #expect(try await Self.restoredContent(installation, admin, client) == content)
        }
        try await ServedInstallation.with(client) { installation, processes in
            for delay in stride(from: 2, to: Self.delays.count, by: 2).map({ Self.delays[$0] }) {
                let hasEnded = try await Self.kill(installation, ["restore", backup], .after(delay))
                try await ServedInstallation.kill(processes, installation, client)
                try await Self.expectSound(installation, admin, content, client, "with the server after \(delay) ms")
                if hasEnded { break }
            }
            #expect(try await Self.restoredContent(installation, admin, client) == content)
        }
        // The last steps, which are over soon: each in an installation of its own.
        for service in ["runservice", "configstore"] {
            try await ServedInstallation.with(client) { installation, _ in
                let mark = "\(installation.data)/\(service)/restoring"
                let hasBegun = Moment.file(mark)
                let hasGone = Moment(name: "when the \(service) is whole") { start in
                    guard hasBegun.hasCome(start) else { return false }
                    let limit = Deadline.after(.seconds(60))
                    while access(mark, F_OK) == 0, !limit.isPast { usleep(200) }
                    return true
                }
                _ = try await Self.kill(installation, ["restore", backup], hasGone)
                try await Self.expectSound(installation, admin, content, client, hasGone.name)
                let outcome = try await installation.martlet("restore", backup)
                #expect(outcome.status == 0 || outcome.text.contains("not empty"), "\(outcome.text)")
                #expect(try await Self.restoredContent(installation, admin, client) == content)
            }
        }
    }

    // MARK: Killing

    /// Runs the command line and kills it, unless it ends before that.
    /// - Returns: whether it ended by itself, with success.
    private static func kill(
        _ installation: Installation,
        _ arguments: [String],
        _ moment: Moment
    ) async throws -> Bool {
        let log = "\(TemporaryDirectory.path)/martlet.log"
        defer { unlink(log) }
        let line = arguments + ["--gateway-url", installation.url]
        let environment = ["MARTLET_TOKEN": installation.token, "HOME": TemporaryDirectory.path]
        let outcome = try await TestProcess.with("martlet", line, environment: environment, log: log) { id in
            let start = ContinuousClock.now
            let limit = Deadline.after(.seconds(90))
            while !moment.hasCome(start), !hasEnded(id), !limit.isPast {
                try await Task.sleep(for: .milliseconds(1))
            }
            Glibc.kill(id, SIGKILL)
        }
        let text = try String(contentsOfFile: log, encoding: .utf8)
        print("\(arguments[0]) killed \(moment.name): \(outcome.isSuccess ? "had ended" : text)")
        return outcome.isSuccess
    }

    private static func hasEnded(_ id: pid_t) -> Bool {
        // One that is not there any more has ended, too.
        let facts = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8)
        return facts?.split(separator: ")").last?.hasPrefix(" Z") ?? true
    }

    // MARK: What must be

    private static func expectWholeOrNothing(
        _ name: String,
        _ installation: Installation,
        _ client: HTTPClient
    ) async throws {
        let directory = TemporaryDirectory.path
        for file in try FileManager.default.contentsOfDirectory(atPath: directory) where file.hasPrefix(name) {
            let path = "\(directory)/\(file)"
            if name.hasPrefix("export") {
                guard file == name else { continue }
                let text = try Data(contentsOf: URL(filePath: path))
                #expect(Array(text.drop { $0 != UInt8(ascii: "\n") }) == (try await installation.exports(client))[1])
            } else {
                let verified = try await installation.martlet("backup", "verify", path)
                // What has no name yet may happen to be whole.
                #expect(verified.status == 0 || file != name && verified.status == 65, "\(verified.text)")
            }
            try FileManager.default.removeItem(atPath: path)
        }
    }

    /// The installation is whole, or it serves nobody, cannot be made to, and no backup of it can be made.
    private static func expectSound(
        _ installation: Installation,
        _ admin: Installation,
        _ content: Content,
        _ client: HTTPClient,
        _ moment: String
    ) async throws {
        let isRestoring = ["configstore", "runservice", "gitserver"].contains {
            access("\(installation.data)/\($0)/restoring", F_OK) == 0
        }
        var seen = installation
        (seen.token, seen.password) = (admin.token, admin.password)
        do {
            try await seen.api(client).send(.get, "/api/v1alpha/projects/user%2Fadmin%2Fhello")
        } catch let error where !ErrorChain(error).isCancellation {
            let refusal = ErrorChain(error).first(RemoteError.self)
            #expect(refusal.map { [.unavailable, .unauthorized].contains($0.kind) } == true, "\(moment): \(error)")
            guard isRestoring else { return }
            try await expectRefusals(installation, moment)
            return
        }
        #expect(try await restoredContent(installation, admin, client) == content, "\(moment)")
    }

    private static func expectRefusals(_ installation: Installation, _ moment: String) async throws {
        for service in ["configstore", "runservice"]
        where access("\(installation.data)/\(service)/restoring", F_OK) == 0 {
            let end = try await installation.martlet("maintenance", "disable", service)
            #expect(end.status == 1 && end.text.contains("Repeat the restore"), "\(moment): \(end.text)")
        }
        let path = "\(TemporaryDirectory.path)/half.tar"
        let backup = try await installation.martlet("backup", "--out", path)
        #expect(backup.status == 1 && backup.text.contains("Repeat the restore"), "\(moment): \(backup.text)")
        #expect(access(path, F_OK) != 0)
    }

    private static func restoredContent(
        _ installation: Installation,
        _ admin: Installation,
        _ client: HTTPClient
    ) async throws -> Content {
        var seen = installation
        (seen.token, seen.password) = (admin.token, admin.password)
        let clone = "clone-\(HexText.random(bytes: 4))"
        return try await content(of: seen, client, clone: clone)
    }

    private static func content(
        of installation: Installation,
        _ client: HTTPClient,
        clone: String
    ) async throws -> Content {
        try await installation.clone(clone)
        let tree = "\(TemporaryDirectory.path)/\(clone)"
        return Content(
            exports: try await installation.exports(client),
            log: try await installation.log(of: 1, client),
            commit: try await TestProcess.require("git", ["rev-parse", "HEAD"], in: tree)
        )
    }
}
