import Base
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import TestSupport
import Testing
import WorkerClients

@Suite("From git push to a green run in the browser", .temporaryDirectory, .timeLimit(.minutes(5)))
struct PushToGreenTests {
    private static let project = "/api/v1alpha/projects/user%2Fadmin%2Fhello"

    @Test(
        "the first start has a first green run; a push makes the next one; the browser shows both; a second start has them still"
    )
    func wholeJourney() async throws {
        let port = try TestProcess.freePort()
        let client = try HTTPClient()
        defer { client.shutdown() }
        try await Installation.with(port: port) { installation in
            let api = try installation.api(client)
            try await Self.waitForGreen(1, api)
            try await Self.push(installation)
            try await Self.waitForGreen(2, api)
            #expect(try await Self.log(of: "greet", step: 1, run: 2, api).contains("pushed by a test"))
            try await Self.directRun(installation)
            try await WebDriver.with { browser in
                try await Self.look(at: installation, browser)
            }
        }
        try await Installation.with(port: port) { installation in
            let api = try installation.api(client)
            let runs: [PublicRun] = try await api.get("\(Self.project)/runs")
            #expect(runs.map(\.number) == [2, 1])
            #expect(runs.allSatisfy { $0.result == "success" })
            #expect(try await Self.log(of: "greet", step: 1, run: 2, api).contains("pushed by a test"))
        }
        try await Self.expectNothingLeft()
    }

    private static func waitForGreen(_ number: Int, _ api: ServiceConnection) async throws {
        try await eventually("run \(number) is green", within: .seconds(60)) {
            let runs: [PublicRun] = try await api.get("\(project)/runs")
            guard let run = runs.first(where: { $0.number == number }), run.phase == "finished" else { return false }
            #expect(run.result == "success")
            return true
        }
    }

    private static func push(_ installation: Installation) async throws {
        let tree = "\(TemporaryDirectory.path)/clone"
        let environment = installation.gitEnvironment
        try await TestProcess.require(
            "git",
            ["clone", "-q", "\(installation.url)/repos/admin/hello.git", tree],
            environment: environment
        )
        try Data("pushed by a test\n".utf8).write(to: URL(filePath: "\(tree)/README.md"))
        try await TestProcess.require(
            "git",
            ["commit", "-q", "-a", "-m", "Change the read-me"],
            in: tree,
            environment: environment
        )
        try await TestProcess.require("git", ["push", "-q", "origin", "main"], in: tree, environment: environment)
    }

    private static func log(of task: String, step: Int, run: Int, _ api: ServiceConnection) async throws -> String {
        let details: PublicRunDetails = try await api.get("\(project)/runs/\(run)")
        let id = try #require(details.tasks.values.first { $0.name == task }?.id)
        let path = "\(project)/runs/\(run)/tasks/\(id)/logs"
        return String(decoding: try await api.exchange(.get, path, query: [("step", "\(step)")]), as: UTF8.self)
    }

    // Changes that nobody committed are run, too, and the log is followed to its end.
    private static func directRun(_ installation: Installation) async throws {
        let tree = "\(TemporaryDirectory.path)/clone"
        try Data("not even committed\n".utf8).write(to: URL(filePath: "\(tree)/README.md"))
        let outcome = try await TestProcess.run(
            "martlet",
            ["directrun", "start", "--gateway-url", installation.url],
            in: tree,
            environment: installation.gitEnvironment.merging(["MARTLET_TOKEN": installation.token]) { $1 }
        )
        #expect(outcome.isSuccess, "\(outcome.output)\(outcome.error)")
        #expect(outcome.output.contains("not even committed"), "\(outcome.output)\(outcome.error)")
    }

    private static func look(at installation: Installation, _ browser: WebDriver) async throws {
        try await browser.open("\(installation.url)/user/admin/hello")
        try await browser.wait(until: "document.querySelector('input[type=password]')")
        try await browser.type("admin", into: "input[autocomplete=username]")
        try await browser.type(installation.password, into: "input[type=password]")
        try await browser.click("form button[type=submit], form button:not([type])")
        try await browser.wait(until: "document.body.innerText.includes('Change the read-me')")
        try await browser.wait(until: "document.body.innerText.includes('Say hello')")
        try await browser.open("\(installation.url)/user/admin/hello/-/runs/2")
        try await browser.wait(until: "document.body.innerText.includes('celebrate')")
        let errors = try await browser.consoleErrors().filter { !$0.contains("401") }
        #expect(errors.isEmpty, "\(errors)")
    }

    // Processes of tasks, mounts and network namespaces must all be gone.
    private static func expectNothingLeft() async throws {
        let directory = TemporaryDirectory.path
        try await eventually("nothing of the installation is left") {
            let mounts = try String(contentsOfFile: "/proc/mounts", encoding: .utf8)
            let processes = try await TestProcess.require("ps", ["-eo", "stat,args"])
            let left = processes.split(separator: "\n").filter { !$0.hasPrefix("Z") && $0.contains(directory) }
            return !mounts.contains(directory) && left.isEmpty
        }
    }
}
