import ArgumentParser
import TestSupport
import Testing

@testable import Commands

@Suite("command lines", .temporaryDirectory, .timeLimit(.minutes(5)))
struct ArgumentTests {
    @Test("help names every command and the exit statuses, and is a success")
    func help() async {
        let result = await CommandFixture().run("--help")
        #expect(result.status == 0)
        for word in ["login", "user", "project", "run", "log", "directrun", "version", "69", "77"] {
            #expect(result.output.contains(word), "\(word)")
        }
        #expect(await CommandFixture().run("--version").output == "0.1.0\n")
    }

    @Test(
        "wrong command lines are refused with the usage status before anything is sent",
        arguments: [
            ["run", "list"], ["run", "list", "--project", "p", "--username", "u"],
            ["run", "list", "--project", "p", "--limit", "0"],
            ["run", "get", "--project", "p"], ["run", "get", "--project", "p", "--runnumber", "-1"],
            ["run", "create", "--project", "p"], ["run", "create", "--project", "p", "--branch", "a", "--tag", "b"],
            ["log", "get", "--project", "p", "--runnumber", "1", "--taskname", "t"],
            ["log", "get", "--project", "p", "--runnumber", "1", "--taskname", "t", "--taskid", "i", "--setup"],
            ["log", "get", "--project", "p", "--runnumber", "1", "--taskname", "t", "--step", "0", "--setup"],
            ["log", "get", "--project", "p", "--runnumber", "1", "--taskname", "t", "--step", "-1"],
            [
                "log", "get", "--project", "p", "--runnumber", "1", "--taskname", "t", "--setup", "--follow",
                "--output", "f",
            ],
            ["directrun", "start", "--branch", "a", "--tag", "b"],
            ["directrun", "start", "--pull-request-ref-regexes", "("],
            ["project", "create", "--name", "x"],
            ["project", "create", "--name", "x", "--repo-path", "a/b", "--visibility", "odd"],
            ["user", "token", "create", "-n", "ada"], ["user", "list", "--output", "xml"], ["nonsense"],
            ["run", "--nonsense"],
        ]
    )
    func wrong(arguments: [String]) async {
        let result = await run(arguments)
        #expect(result.status == 64, "\(result)")
        #expect(result.output.isEmpty)
        #expect(!result.told.isEmpty)
    }

    private func run(_ arguments: [String]) async -> CommandFixture.Result {
        var fixture = CommandFixture()
        fixture.environment["MARTLET_GATEWAY_URL"] = "http://127.0.0.1:1"
        return await fixture.run(arguments)
    }

    @Test("a server that is not there is named, with what to do, and has a status of its own")
    func unreachable() async {
        var fixture = CommandFixture()
        fixture.environment["MARTLET_GATEWAY_URL"] = "http://127.0.0.1:1/"
        let result = await fixture.run("user", "list")
        #expect(result.status == 69)
        #expect(result.told.contains("cannot reach http://127.0.0.1:1:"))
        #expect(result.told.contains("MARTLET_GATEWAY_URL"))
    }
}
