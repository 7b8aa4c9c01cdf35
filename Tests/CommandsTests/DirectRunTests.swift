import ArgumentParser
import Base
import FoundationEssentials
import GatewayClient
import HTTPTypes
import Synchronization
import TestSupport
import Testing

@testable import Commands

@Suite("direct runs", .temporaryDirectory, .timeLimit(.minutes(5)))
struct DirectRunTests {
    private typealias Answer = FakeServer.Answer

    private func makeTree(_ fixture: CommandFixture) async throws {
        let git = LocalGit(directory: fixture.directory, environment: fixture.environment)
        _ = try await git.run(["init", "-q", "-b", "main", "."])
        try Data("x".utf8).write(to: URL(filePath: fixture.directory + "/file"))
    }

    @Test("git gets the token by its credential helper, and shows it as the Basic password")
    func credentials() async throws {
        try await FakeServer.with { request, _ in
            if request.path == "/api/v1alpha/user" {
                return .json(#"{"id":"6ba7b810-9dad-41d1-80b4-00c04fd430c8","username":"ada"}"#)
            }
            guard request.headers[.authorization] != nil else {
                return Answer(status: .unauthorized, headers: [.wwwAuthenticate: #"Basic realm="Martlet""#])
            }
            return Answer(status: .forbidden)
        } _: { server, url in
            var fixture = CommandFixture()
            fixture.environment["MARTLET_TOKEN"] = "t0ken"
            try await makeTree(fixture)
            let result = await fixture.run("directrun", "start", "-u", url)
            #expect(result.status == 1)
            #expect(result.told.contains("cannot push to \(url)/repos/6ba7b810-9dad-41d1-80b4-00c04fd430c8/"))
            #expect(!result.told.contains("t0ken"))
            let basic = Data("ada:t0ken".utf8).base64EncodedString()
            #expect(server.requests.last?.headers[.authorization] == "Basic \(basic)")
        }
    }

    @Test("without a token nothing is pushed")
    func signedOut() async throws {
        try await FakeServer.with { _, _ in
            Answer()
        } _: { server, url in
            let result = await CommandFixture().run("directrun", "start", "-u", url)
            #expect(result.status == 77 && result.told.contains("martlet login"))
            #expect(server.requests.isEmpty)
        }
    }

    @Test(
        "a run's log is followed task by task, and its result is the exit status",
        arguments: [("success", Int32(0)), ("failed", 2)]
    )
    func followed(result: String, status: Int32) async throws {
        try await FakeServer.with { request, earlier in
            switch request.path {
            case "/api/v1alpha/users/u/runs/7":
                switch earlier {
                case 0: return .json(CommandTests.run("queued", task: "notstarted"))
                case 1: return .json(CommandTests.run("running"))
                default: return .json(CommandTests.run("finished", result: result, task: result))
                }
            case "/api/v1alpha/users/u/runs/7/tasks/t1":
                return .json(
                    earlier < 3
                        ? CommandTests.task("running", step: "running") : CommandTests.task(result, step: result)
                )
            default:
                return earlier == 0 ? .error(.notFound, "logDoesNotExist", "No log.") : Answer(body: "the log\n")
            }
        } _: { _, url in
            let screen = Collected()
            var terminal = Terminal.system
            terminal.write = { screen.add($0) }
            terminal.tell = { _ in }
            let outcome = try await Terminal.$current.withValue(terminal) { () -> Int32 in
                do {
                    let gateway = try GatewayOptions.parse(["-u", url]).gateway()
                    try await RunFollower(gateway, .user("u"), interval: .milliseconds(5)).follow([7])
                    return 0
                } catch let failure as CommandFailure {
                    return failure.outcome.rawValue
                }
            }
            #expect(outcome == status)
            #expect(screen.text == "the log\n")
        }
    }

    private final class Collected: Sendable {
        private let bytes = Mutex<[UInt8]>([])
        var text: String { String(decoding: bytes.withLock(\.self), as: UTF8.self) }
        func add(_ more: [UInt8]) { bytes.withLock { $0 += more } }
    }

    @Test("variables come from files and the command line, the later wins, and faults are named")
    func variables() throws {
        var variables = RunVariables()
        try variables.add(text: "a: 1\nb: text\nc: true\n", from: "vars.yml")
        try variables.add(text: #"{"b": "json", "d": "4.0"}"#, from: "vars.json")
        try variables.add("a=x=y")
        try variables.add(text: "", from: "empty.yml")
        #expect(variables.values == ["a": "x=y", "b": "json", "c": "true", "d": "4.0"])
        for wrong in ["a", "=x", "a="] {
            #expect(throws: CommandFailure.self, "\(wrong)") {
                var variables = RunVariables()
                try variables.add(wrong)
            }
        }
        for wrong in ["[1]", "a: [1]", "a: ''", "a: {b: c}", "a: b: c", "x"] {
            #expect(throws: CommandFailure.self, "\(wrong)") {
                var variables = RunVariables()
                try variables.add(text: wrong, from: "vars.yml")
            }
        }
    }
}
