import Base
import FoundationEssentials
import HTTPTypes
import TestSupport
import Testing

@testable import Commands

@Suite("commands against a server", .temporaryDirectory, .timeLimit(.minutes(5)))
struct CommandTests {
    private typealias Answer = FakeServer.Answer

    private static let user = #"{"id":"6ba7b810-9dad-41d1-80b4-00c04fd430c8","username":"ada"}"#

    @Test("login trades name and password for a token, and stores only that, for the user alone")
    func login() async throws {
        try await FakeServer.with { request, _ in
            switch (request.method, request.path) {
            case ("POST", "/api/v1alpha/auth/login"):
                guard request.body.contains(#""password":"secret word""#) else {
                    return .error(.unauthorized, "invalidCredentials", "No.")
                }
                var headers = HTTPFields()
                headers[values: .setCookie] = ["session=one; Path=/; HttpOnly", "secondarysession=two; Path=/"]
                return .json(#"{"oauth2_redirect":"","user":\#(Self.user)}"#, .created, headers: headers)
            case ("GET", "/api/v1alpha/user"):
                guard
                    request.headers[.authorization] == "token t0ken"
                        || request.headers[.cookie]?.contains("session=one") == true
                else {
                    return .error(.unauthorized, "unauthorized", "Sign in first.")
                }
                var headers = HTTPFields()
                headers[values: .setCookie] = ["csrf=three; Path=/"]
                if let name = HTTPField.Name("X-Csrf-Token") { headers[name] = "masked" }
                return .json(Self.user, headers: headers)
            case ("POST", "/api/v1alpha/users/6ba7b810-9dad-41d1-80b4-00c04fd430c8/tokens"):
                let isGuarded = HTTPField.Name("X-Csrf-Token").map { request.headers[$0] == "masked" } ?? false
                let cookies = request.headers[.cookie] ?? ""
                guard isGuarded, cookies == "csrf=three; secondarysession=two; session=one",
                    request.headers[.origin] != nil
                else {
                    return .error(.forbidden, "forbidden", "CSRF")
                }
                return .json(#"{"token":"t0ken"}"#, .created)
            default: return .error(.notFound, "routeDoesNotExist", "No.")
            }
        } _: { server, url in
            var fixture = CommandFixture()
            fixture.input = ["wrong"]
            let refused = await fixture.run("login", "-u", url, "--username", "ada", "--password-stdin")
            #expect(refused.status == 77)
            #expect(refused.told.contains("wrong"))
            fixture.input = ["ada", "secret word"]
            let result = await fixture.run("login", "-u", url + "/")
            #expect(result.status == 0, "\(result)")
            #expect(result.told.contains("as ada"))
            #expect(!result.told.contains("t0ken") && result.output.isEmpty)
            let path = "\(fixture.directory)/.config/martlet/config.json"
            let stored = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
            #expect(stored == #"{"gatewayURL":"\#(url)","token":"t0ken"}"#)
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let version = await fixture.run("user", "list")
            #expect(version.told.contains("No."), "the stored server is asked")
            #expect(server.requests.last?.headers[.authorization] == "token t0ken")
            fixture.environment["MARTLET_GATEWAY_URL"] = url.replacing("127.0.0.1", with: "localhost")
            _ = await fixture.run("user", "list")
            #expect(
                server.requests.last?.headers[.authorization] == nil,
                "the stored token goes to its own server only"
            )
            fixture.environment["MARTLET_TOKEN"] = "other"
            _ = await fixture.run("user", "list")
            #expect(server.requests.last?.headers[.authorization] == "token other")
        }
    }

    @Test("a broken login file is explained")
    func brokenLogin() async throws {
        let fixture = CommandFixture()
        try FileManager.default.createDirectory(
            atPath: "\(fixture.directory)/.config/martlet",
            withIntermediateDirectories: true
        )
        try Data("{".utf8).write(to: URL(filePath: "\(fixture.directory)/.config/martlet/config.json"))
        let result = await fixture.run("user", "list")
        #expect(result.status == 1)
        #expect(result.told.contains("martlet login"))
    }

    @Test("lists follow the pages, as text and as JSON")
    func lists() async throws {
        try await FakeServer.with { request, earlier in
            let more =
                HTTPField.Name("X-Agola-Cursor").map { [$0: earlier % 2 == 0 ? "n=xt+" : ""] as HTTPFields } ?? [:]
            return earlier % 2 == 0
                ? .json(#"[{"id":"1","username":"ada"},{"id":"2","username":"bob"}]"#, headers: more)
                : .json(#"[{"id":"3","username":"eve"}]"#, headers: more)
        } _: { server, url in
            let text = await CommandFixture().run("user", "list", "-u", url)
            #expect(text.output == "1: Name: ada\n2: Name: bob\n3: Name: eve\n")
            #expect(server.requests.last?.query == "cursor=n%3Dxt%2B")
            let json = await CommandFixture().run("user", "list", "-u", url, "--output", "json")
            #expect(
                json.output == #"[{"id":"1","username":"ada"},{"id":"2","username":"bob"},{"id":"3","username":"eve"}]"#
                    + "\n"
            )
        }
    }

    @Test("creating says what was created; the token alone goes to standard output")
    func creating() async throws {
        try await FakeServer.with { request, _ in
            switch request.path {
            case "/api/v1alpha/users": .json(Self.user, .created)
            case "/api/v1alpha/users/ada/tokens": .json(#"{"token":"abc"}"#, .created)
            case "/api/v1alpha/user": .json(Self.user)
            case "/api/v1alpha/projects": .json(Self.project, .created)
            case "/api/v1alpha/projectgroups/user%2Fada/projects": .json("[\(Self.project)]")
            case "/api/v1alpha/projects/user%2Fada%2Fhello/createrun":
                .json(#"{"runs":[{"number":7,"name":"test"}]}"#, .created)
            default: .error(.notFound, "routeDoesNotExist", request.path)
            }
        } _: { server, url in
            var fixture = CommandFixture()
            fixture.input = ["pass"]
            let user = await fixture.run("user", "create", "-u", url, "--username", "ada", "--password-stdin")
            #expect(user.status == 0 && user.told.contains("ada") && user.output.isEmpty)
            #expect(server.requests.last?.body == #"{"password":"pass","username":"ada"}"#)
            let token = await fixture.run("user", "token", "create", "-u", url, "-n", "ada", "-t", "ci")
            #expect(token.output == "abc\n" && server.requests.last?.body == #"{"token_name":"ci"}"#)
            let project = await fixture.run("project", "create", "-u", url, "-n", "hello", "--repo-path", "ada/hello")
            #expect(project.status == 0 && project.told.contains("user/ada/hello"))
            #expect(server.requests.last?.body.contains(#""remote_source_name":"local""#) == true)
            #expect(await fixture.run("project", "list", "-u", url).output == "p1: Name: hello\n")
            let run = await fixture.run("run", "create", "-u", url, "--project", "user/ada/hello", "--branch", "main")
            #expect(run.output == "7: Name: test\n" && server.requests.last?.body == #"{"branch":"main"}"#)
        }
    }

    private static let project = """
        {"id":"p1","name":"hello","path":"user/ada/hello","parent_path":"user/ada","visibility":"public","global_visibility":"public"}
        """

    @Test("runs are shown with tasks and steps, stopped or cancelled by their phase, and restarted")
    func runs() async throws {
        try await FakeServer.with { request, _ in
            let root = "/api/v1alpha/projects/p/runs"
            switch (request.method, request.path) {
            case ("GET", root): return .json("[\(Self.run("running"))]")
            case ("GET", "\(root)/7"): return .json(Self.run("running"))
            case ("GET", "\(root)/8"): return .json(Self.run("queued"))
            case ("GET", "\(root)/9"): return .json(Self.run("finished"))
            case ("GET", "\(root)/7/tasks/t1"): return .json(Self.task("running"))
            case ("PUT", _): return .json(Self.run("queued"))
            default: return .error(.notFound, "runDoesNotExist", "There is no such run.")
            }
        } _: { server, url in
            let fixture = CommandFixture()
            let list = await fixture.run(
                "run",
                "list",
                "-u",
                url,
                "--project",
                "p",
                "--phase",
                "running",
                "--start",
                "20",
                "--limit",
                "5"
            )
            #expect(
                list.output == """
                    7: Phase: running, Result: unknown
                    \tTaskName: build, TaskID: t1, Status: running
                    \t\tStep: 0, Name: compile, Type: run, Phase: failed, ExitStatus: 3
                    \t\tStep: 1, Name: save, Type: save_cache, Phase: notstarted

                    """
            )
            #expect(server.requests.first?.query == "limit=5&sortdirection=desc&start=20&phase=running")
            #expect(
                await fixture.run("run", "get", "-u", url, "--project", "p", "--runnumber", "7").output == list.output
            )
            #expect(await fixture.run("run", "stop", "-u", url, "--project", "p", "--runnumber", "7").status == 0)
            #expect(server.requests.last?.body == #"{"action_type":"stop"}"#)
            #expect(await fixture.run("run", "stop", "-u", url, "--project", "p", "--runnumber", "8").status == 0)
            #expect(server.requests.last?.body == #"{"action_type":"cancel"}"#)
            #expect(
                await fixture.run("run", "stop", "-u", url, "--project", "p", "--runnumber", "9").told.contains(
                    "ended already"
                )
            )
            #expect(
                await fixture.run("run", "restart", "-u", url, "--project", "p", "--runnumber", "9", "--from-failed")
                    .output == "7\n"
            )
            #expect(server.requests.last?.body == #"{"action_type":"restart","from_start":false}"#)
            let missing = await fixture.run("run", "get", "-u", url, "--project", "p", "--runnumber", "77")
            #expect(missing.status == 1 && missing.told == "martlet: There is no such run.")
        }
    }

    static func run(_ phase: String, result: String = "unknown", task status: String = "running") -> String {
        """
        {"number":7,"name":"test","phase":"\(phase)","result":"\(result)","annotations":{},"tasks_waiting_approval":[],\
        "enqueue_time":"2026-03-02T10:15:04.118204Z","start_time":null,"end_time":null,"setup_errors":null,"stopping":false,\
        "tasks":{"t1":{"id":"t1","name":"build","status":"\(status)","level":0}}}
        """
    }

    static func task(_ status: String, step: String = "failed") -> String {
        """
        {"id":"t1","name":"build","status":"\(status)","setup_step":{"phase":"success","name":"Task setup"},"steps":[\
        {"phase":"\(step)","type":"run","name":"compile","command":"make","exit_status":3,"log_archived":false},\
        {"phase":"notstarted","type":"save_cache","name":"save","exit_status":null,"log_archived":false}]}
        """
    }

    @Test("a log goes on where its connection broke off")
    func resumedLog() async throws {
        try await FakeServer.with { request, earlier in
            switch request.path {
            case "/api/v1alpha/projects/p/runs/7": return .json(Self.run("running"))
            default: break
            }
            switch (earlier, request.query) {
            case (0, "step=0&follow="): return Answer(body: "one\n", breaksOff: true)
            case (1, "step=0&follow=&offset=4"): return Answer(body: "two\n", breaksOff: true)
            case (2, "step=0&follow=&offset=8"): return Answer(body: "three\n")
            default: return .error(.badRequest, "unexpected", request.query)
            }
        } _: { server, url in
            let arguments = [
                "log", "get", "-u", url, "--project", "p", "--runnumber", "7", "--taskname", "build", "--step", "0",
                "--follow",
            ]
            let result = await CommandFixture().run(arguments)
            #expect(result.status == 0, "\(result)")
            #expect(result.output == "one\ntwo\nthree\n")
            let wrong = await CommandFixture().run(arguments.map { $0 == "build" ? "bild" : $0 })
            #expect(wrong.told.contains("it has: build"))
        }
    }

    @Test("a log is saved to a file")
    func savedLog() async throws {
        try await FakeServer.with { _, _ in
            Answer(body: "all of it\n")
        } _: { _, url async throws in
            let fixture = CommandFixture()
            let result = await fixture.run(
                "log",
                "get",
                "-u",
                url,
                "--username",
                "ada",
                "--runnumber",
                "7",
                "--taskid",
                "t1",
                "--setup",
                "--output",
                "out"
            )
            #expect(result.status == 0 && result.output.isEmpty)
            #expect(try String(contentsOfFile: "\(fixture.directory)/out", encoding: .utf8) == "all of it\n")
        }
    }

    @Test(
        "errors say what to do",
        arguments: [(401, 77, "martlet login"), (403, 77, "Not yours."), (500, 1, "Not yours.")]
    )
    func errors(status: Int, exit: Int32, words: String) async throws {
        try await FakeServer.with { _, _ in
            .error(.init(code: status), "code", "Not yours.")
        } _: { _, url in
            let result = await CommandFixture().run("user", "list", "-u", url)
            #expect(result.status == exit)
            #expect(result.told.contains(words))
        }
        try await FakeServer.with { _, _ in
            Answer(status: .badGateway, body: "<html>")
        } _: { _, url in
            #expect(await CommandFixture().run("user", "list", "-u", url, "--detailed-errors").told.contains("502"))
        }
    }
}
