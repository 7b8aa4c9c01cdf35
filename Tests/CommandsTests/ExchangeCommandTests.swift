import Base
import FoundationEssentials
import Glibc
import HTTPTypes
import Synchronization
import TestSupport
import Testing

@testable import Commands

@Suite("The commands of maintenance, export and import", .temporaryDirectory, .timeLimit(.minutes(5)))
struct ExchangeCommandTests {
    private static let settled = """
        {"requestedStatus":true,"currentStatus":true,"RequestedStatus":true,"CurrentStatus":true,"instances":[
        {"id":"a","host":"h","pid":7,"version":"1","mode":"maintenance","seenRevision":3,"since":"2026-11-20T10:00:00Z"}]}
        """
    private static let switching = settled.replacing(#""mode":"maintenance""#, with: #""mode":"switching""#)

    @Test("asking for maintenance waits for every process, through times in which the service says nothing")
    func waits() async throws {
        try await FakeServer.with { request, earlier in
            if request.method == "PUT" {
                return earlier == 0 ? .error(.serviceUnavailable, "unavailable", "Starting.") : .json("")
            }
            switch earlier {
            case 0: return .error(.serviceUnavailable, "maintenance", "The runservice is in maintenance.")
            case 1: return .json(Self.switching)
            default: return .json(Self.settled)
            }
        } _: { server, url in
            let result = await CommandFixture().run("maintenance", "enable", "runservice", "--wait", "-u", url)
            #expect(result.status == 0, "\(result.told)")
            #expect(result.told.hasSuffix("runservice is in maintenance"))
            #expect(server.requests.count == 5)
            let status = await CommandFixture().run("maintenance", "status", "--service", "runservice", "-u", url)
            #expect(status.output.contains("process 7 on h: maintenance"))
        }
    }

    @Test("a mode that is not reached in time is told by the exit status")
    func tooLate() async throws {
        try await FakeServer.with { request, _ in
            request.method == "PUT" ? .json("") : .json(Self.switching)
        } _: { _, url in
            let result = await CommandFixture().run(
                "maintenance",
                "enable",
                "runservice",
                "--wait",
                "--timeout",
                "1",
                "-u",
                url
            )
            #expect(result.status == Outcome.notNow.rawValue)
        }
    }

    @Test("a service has to be named, once")
    func names() async {
        for arguments in [[], ["nowhere"], ["runservice", "--service", "configstore"]] {
            let result = await CommandFixture().run(["maintenance", "status"] + arguments)
            #expect(result.status == 64, "\(arguments)")
        }
    }

    @Test("the token comes from a file, which is named when it is no good")
    func tokenFile() async throws {
        try await FakeServer.with { _, _ in
            .json(Self.settled)
        } _: { server, url in
            var fixture = CommandFixture()
            try Data("  secret-token \n".utf8).write(to: URL(filePath: "\(fixture.directory)/token"))
            let arguments = ["maintenance", "status", "runservice", "-u", url]
            #expect(await fixture.run(arguments + ["--token-file", "token"]).status == 0)
            fixture.environment["MARTLET_TOKEN_FILE"] = "\(fixture.directory)/token"
            #expect(await fixture.run(arguments).status == 0)
            #expect(server.requests.map { $0.headers[.authorization] } == ["token secret-token", "token secret-token"])
            let missing = await fixture.run(arguments + ["--token-file", "nowhere"])
            #expect(missing.status == 1)
            #expect(missing.told.contains("nowhere"))
        }
    }

    @Test("an export is a whole file for its owner alone, or none")
    func export() async throws {
        let text = String(repeating: "a line of an export\n", count: 5_000)
        try await FakeServer.with { _, earlier in
            earlier == 0
                ? FakeServer.Answer(headers: [.contentLength: "200000"], body: text, breaksOff: true) : .json(text)
        } _: { _, url in
            let fixture = CommandFixture()
            let path = "\(fixture.directory)/out"
            let arguments = ["export", "configstore", "--out", "out", "-u", url]
            let broken = await fixture.run(arguments)
            #expect(broken.status != 0)
            let nothing = try FileManager.default.contentsOfDirectory(atPath: fixture.directory)
            #expect(nothing.isEmpty)
            let whole = await fixture.run(arguments)
            #expect(whole.status == 0, "\(whole.told)")
            #expect(whole.told.contains("secrets"))
            let written = try String(contentsOfFile: path, encoding: .utf8)
            #expect(written == text)
            var facts = stat()
            #expect(stat(path, &facts) == 0)
            #expect(facts.st_mode & 0o777 == 0o600)
            #expect(await fixture.run(arguments).status == 1)
            #expect(await fixture.run(arguments + ["--force-overwrite"]).status == 0)
            #expect(await fixture.run("export", "--service", "configstore", "--out", "-", "-u", url).output == text)
            let left = try FileManager.default.contentsOfDirectory(atPath: fixture.directory)
            #expect(left == ["out"])
        }
    }

    @Test("an import sends the file, and shows what came of it")
    func importing() async throws {
        try await FakeServer.with { request, _ in
            request.query.contains("dryRun")
                ? .json(#"{"records":{"user":3},"warnings":["One is odd."],"isDryRun":true}"#)
                : .error(.badRequest, "notInMaintenance", "An import needs maintenance.")
        } _: { server, url in
            let fixture = CommandFixture()
            try Data("an export".utf8).write(to: URL(filePath: "\(fixture.directory)/in"))
            let arguments = ["import", "configstore", "--in", "in", "-u", url]
            let checked = await fixture.run(arguments + ["--dry-run", "--skip-unknown"])
            #expect(checked.status == 0, "\(checked.told)")
            #expect(checked.told.contains("One is odd."))
            #expect(checked.told.contains("user: 3"))
            #expect(server.requests.first?.body == "an export")
            #expect(server.requests.first?.query == "dryRun=true&skipUnknown=true")
            let refused = await fixture.run(arguments)
            #expect(refused.status == 1)
            #expect(refused.told.contains("An import needs maintenance."))
            #expect(await fixture.run("import", "configstore", "--in", "nowhere", "-u", url).status == 1)
        }
    }

    @Test("progress is shown where somebody looks on, with part, size and rate")
    func progress() {
        let shown = Mutex<[String]>([])
        var terminal = Terminal.system
        terminal.progress = { text in shown.withLock { $0.append(text) } }
        Terminal.$current.withValue(terminal) {
            let progress = TransferProgress("export", of: 4 << 20)
            progress.add(1 << 20)
            progress.end()
            progress.end()
        }
        #expect(shown.withLock(\.count) == 2)
        #expect(shown.withLock { $0[0].hasPrefix("export: [#######.......................] 25 % of 4.0 MiB, ") })
        #expect(shown.withLock { $0[1].isEmpty })
        #expect(TransferProgress.text(512) == "512 bytes")
        #expect(TransferProgress.text(1_536) == "1.5 KiB")
    }
}
