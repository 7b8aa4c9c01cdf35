import Base
import FoundationEssentials
import Glibc
import HTTPTypes
import Model
import SoakKit
import TestSupport
import Testing
import WorkerClients

@Suite("Maintenance by the command line", .temporaryDirectory, .timeLimit(.minutes(5)))
struct MaintenanceJourneyTests {
    /// `martlet` with the admin token in a file.
    private struct CommandLineTool: Sendable {
        let site: ComponentSite
        let tokenFile: String

        init(_ site: ComponentSite) throws {
            self.site = site
            tokenFile = "\(site.directory)/token"
            try AtomicFile.write((ComponentSite.adminToken + "\n").utf8, to: tokenFile)
        }

        func callAsFunction(_ arguments: String...) async throws -> (isSuccess: Bool, output: String, error: String) {
            try await TestProcess.run(
                "martlet",
                arguments + ["--gateway-url", site.url, "--token-file", tokenFile],
                in: site.directory
            )
        }

        func require(
            _ arguments: String...,
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            let outcome = try await TestProcess.run(
                "martlet",
                arguments + ["--gateway-url", site.url, "--token-file", tokenFile],
                in: site.directory
            )
            #expect(outcome.isSuccess, "\(arguments): \(outcome.error)", sourceLocation: sourceLocation)
        }
    }

    private static func pipeline(gate: String) -> String {
        """
        runs:
          - name: patient
            tasks:
              - name: wait
                runtime:
                  containers:
                    - image: host
                steps:
                  - run:
                      name: patient
                      tty: false
                      command: |
                        i=0; while [ $i -lt 200 ]; do echo "before $i"; i=$((i + 1)); done
                        until [ -e \(gate) ]; do sleep 0.05; done
                        i=0; while [ $i -lt 200 ]; do echo "meanwhile $i"; i=$((i + 1)); done
                        touch \(gate).seen
                  - run: echo last

        """
    }

    private static func lines(_ word: String) -> String {
        (0..<200).map { "\(word) \($0)\n" }.joined()
    }

    @Test("a task runs on while the runservice is in maintenance, and none of its bytes is lost")
    func runningTask() async throws {
        try await ComponentSite.with(.apart) { site in
            let tool = try CommandLineTool(site)
            let gate = "\(site.directory)/gate"
            try await site.makeTree("main", pipeline: Self.pipeline(gate: gate))
            _ = try await site.commit("main", message: "Wait")
            #expect(try await site.push("main").isSuccess)
            try await eventually("the step runs", within: .seconds(60)) {
                let run = try await site.runservice.runs(RunQuery(group: site.group)).runs.first
                return run?.tasks.values.contains { $0.steps.contains { $0.phase == .running } } == true
            }
            try await tool.require("maintenance", "enable", "runservice", "--wait")
            let status = try await tool("maintenance", "status", "--service", "runservice")
            #expect(status.output.contains("in maintenance:     yes"))
            try Data().write(to: URL(filePath: gate))
            try await eventually("the step goes on", within: .seconds(60)) { access("\(gate).seen", F_OK) == 0 }
            let refused = try await tool("run", "list", "--project", "user/ada/numbers")
            #expect(!refused.isSuccess)
            try await tool.require("maintenance", "disable", "runservice", "--wait")
            var run: Run?
            try await eventually("the run ends", within: .seconds(60)) {
                run = try await site.runservice.runs(RunQuery(group: site.group)).runs.first
                return run?.phase.isFinished == true
            }
            #expect(run?.result == .success)
            let task = try #require(run?.tasks.values.first)
            let path = "\(ComponentSite.projectPath)/runs/1/tasks/\(task.id)/logs"
            let log = try await site.api.exchange(.get, path, query: [("step", "0")])
            #expect(String(decoding: log, as: UTF8.self) == Self.lines("before") + Self.lines("meanwhile"))
        }
    }

    @Test("an export is a file for its owner alone, and its import brings back what was deleted")
    func exportAndImport() async throws {
        try await ComponentSite.with(.together) { site in
            let tool = try CommandLineTool(site)
            let file = "\(site.directory)/configstore.export"
            try await tool.require("export", "--service", "configstore", "--out", "configstore.export")
            var facts = stat()
            #expect(stat(file, &facts) == 0)
            #expect(facts.st_mode & 0o777 == 0o600)
            let again = try await tool("export", "--service", "configstore", "--out", "configstore.export")
            #expect(!again.isSuccess)
            #expect(again.error.contains("--force-overwrite"))
            try await tool.require("export", "configstore", "--out", file, "--force-overwrite")
            let piped = try await tool("export", "configstore", "--out", "-")
            #expect(piped.output.hasSuffix("}\n"))
            try await site.api.send(.delete, ComponentSite.projectPath)
            let early = try await tool("import", "configstore", "--in", file)
            #expect(!early.isSuccess)
            #expect(early.error.contains("needs maintenance"))
            try await tool.require("maintenance", "enable", "configstore", "--wait")
            try await tool.require("import", "configstore", "--in", file, "--dry-run")
            try await tool.require("import", "configstore", "--in", file)
            try await tool.require("maintenance", "disable", "configstore", "--wait")
            try await persistently { try await site.api.send(.get, ComponentSite.projectPath) }
            let left = try FileManager.default.contentsOfDirectory(atPath: site.directory)
            #expect(!left.contains { $0.hasSuffix(".part") })
        }
    }

    @Test(
        "the browser says what is in maintenance, keeps its user signed in, and goes on by itself",
        arguments: ["configstore", "runservice"]
    )
    func inBrowser(_ service: String) async throws {
        try await ComponentSite.with(.apart) { site in
            let tool = try CommandLineTool(site)
            try await WebDriver.with { browser in
                try await browser.open("\(site.url)/user/ada/numbers")
                try await browser.wait(until: "document.querySelector('input[type=password]')", within: .seconds(60))
                try await browser.type("ada", into: "input[autocomplete=username]")
                try await browser.type(ComponentSite.password, into: "input[type=password]")
                try await browser.click("form button:not([type])")
                try await browser.wait(
                    until: "document.querySelector('h1')?.innerText.includes('numbers')",
                    within: .seconds(60)
                )
                try await tool.require("maintenance", "enable", service, "--wait")
                try await browser.open("\(site.url)/user/ada/numbers")
                try await browser.wait(
                    until: "document.querySelector('h1')?.innerText === 'In maintenance'",
                    within: .seconds(60)
                )
                #expect(
                    try await browser.run("return document.body.innerText").contains(
                        "The \(service) is in maintenance."
                    )
                )
                try await tool.require("maintenance", "disable", service, "--wait")
                try await browser.wait(
                    until: "document.querySelector('h1')?.innerText.includes('numbers')",
                    within: .seconds(60)
                )
            }
        }
    }
}
