import Base
import Crypto
import FoundationEssentials
import HTTPTypes
import Model
import TestSupport
import Testing
import WorkerClients

@Suite("Projects and runs of the public API", .temporaryDirectory, .timeLimit(.minutes(5)))
struct ProjectRunTests {
    private static let pipeline = """
        runs:
          - name: one
            tasks:
              - name: a
                runtime: {containers: [{image: host}]}
                steps: [{run: 'true'}]
        """

    /// Pushes a commit to a repository as a user does, over a loopback port that leads to the gateway's socket.
    private func push(
        _ gateway: GatewayFixture,
        _ user: TestUser,
        to repository: String,
        files: [String: String],
        message: String = "a change",
        branch: String = "main"
    ) async throws {
        let tree = "\(gateway.directory)/tree-\(branch)-\(repository.replacing("/", with: "-"))"
        let relay = try TCPRelay(to: "\(gateway.directory)/g.sock")
        defer { relay.close() }
        if !FileManager.default.fileExists(atPath: tree) {
            try await TestProcess.require("git", ["init", "-q", "-b", branch, tree])
        }
        for (name, text) in files {
            let path = "\(tree)/\(name)"
            let directory = String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex))
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(filePath: path))
        }
        let environment = [
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "TEST_PASSWORD": user.password,
            "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "Ann",
            "GIT_COMMITTER_EMAIL": "a@example.org",
        ]
        try await TestProcess.require("git", ["add", "."], in: tree, environment: environment)
        try await TestProcess.require("git", ["commit", "-q", "-m", message], in: tree, environment: environment)
        let helper = "credential.helper=!f() { echo username=\(user.user.name); echo \"password=$TEST_PASSWORD\"; }; f"
        let url = "http://127.0.0.1:\(relay.port)/repos/\(repository).git"
        try await TestProcess.require(
            "git",
            ["-c", helper, "push", "-q", url, "HEAD:\(branch)"],
            in: tree,
            environment: environment
        )
    }

    private func runs(_ gateway: GatewayFixture, _ token: SecretValue, _ query: String = "") async throws -> Answer {
        try await gateway.call(.get, "projects/user%2Fann%2Fhello/runs\(query)", token: token)
    }

    @Test(
        "a push becomes a run, once, with the facts of its commit; one without a pipeline or with [ci skip] becomes none"
    )
    func push() async throws {
        try await GatewayFixture.with { gateway in
            let ann = try await gateway.makeUser("ann")
            try await gateway.makeProject("hello", of: ann)
            try await push(gateway, ann, to: "ann/hello", files: ["README.md": "x"], message: "no pipeline yet")
            try await push(
                gateway,
                ann,
                to: "ann/hello",
                files: [".martlet/config.yml": Self.pipeline],
                message: "first"
            )
            try await push(gateway, ann, to: "ann/hello", files: ["README.md": "y"], message: "second [ci skip]")
            try await push(gateway, ann, to: "ann/hello", files: ["README.md": "z"], message: "third")
            try await eventually("two runs") { try await runs(gateway, ann.token).text.contains(#""number":2"#) }
            let text = try await runs(gateway, ann.token).text
            #expect(!text.contains(#""number":3"#))
            #expect(text.contains(#""message":"third""#))
            #expect(text.contains(#""branch":"main""#))
            #expect(text.contains(#""run_creation_trigger":"webhook""#))
            let run = try await gateway.call(.get, "projects/user%2Fann%2Fhello/runs/1")
            #expect(run.text.contains(#""name":"a""#))
            #expect(!run.text.contains("MARTLET_GIT_TOKEN"))
        }
    }

    @Test("a webhook that is delivered again makes no second run, whatever its headers say")
    func replay() async throws {
        try await GatewayFixture.with { gateway in
            let ann = try await gateway.makeUser("ann")
            try await gateway.makeProject("hello", of: ann)
            try await push(gateway, ann, to: "ann/hello", files: [".martlet/config.yml": Self.pipeline])
            try await eventually("a run") { try await runs(gateway, ann.token).text.contains(#""number":1"#) }
            let project = try await gateway.configstore.project("user/ann/hello").project
            let tree = "\(gateway.directory)/tree-main-ann-hello"
            let sha = String(try await TestProcess.require("git", ["rev-parse", "HEAD"], in: tree).prefix(40))
            let event = GitEvent(
                repositoryPath: "ann/hello",
                ref: "refs/heads/main",
                old: nil,
                new: sha,
                commit: sha,
                message: "again",
                author: GitEvent.Person(name: "Ann", email: "a@example.org"),
                pusher: ann.user.id,
                pushedAt: Date(timeIntervalSince1970: 1)
            )
            let body = try JSONCoding.encode(event)
            let key = SymmetricKey(data: Data(project.webhookSecret.revealed.utf8))
            let signature = HexText.text(HMAC<SHA256>.authenticationCode(for: body, using: key))
            for delivery in ["a", "a", "b"] {
                let headers: HTTPFields = [
                    try #require(HTTPField.Name("X-Martlet-Event")): "push",
                    try #require(HTTPField.Name("X-Martlet-Delivery")): delivery,
                    try #require(HTTPField.Name("X-Martlet-Signature")): "sha256=\(signature)",
                ]
                let json = String(decoding: body, as: UTF8.self)
                let path = "/webhooks?projectid=\(project.id)"
                #expect(try await gateway.call(.post, path, headers: headers, json: json).status == 200)
            }
            let text = try await runs(gateway, ann.token).text
            #expect(text.contains(#""number":2"#))
            #expect(!text.contains(#""number":3"#))
        }
    }

    @Test("a pipeline that is wrong becomes one run in setup error that names line and column")
    func setupError() async throws {
        try await GatewayFixture.with { gateway in
            let ann = try await gateway.makeUser("ann")
            try await gateway.makeProject("hello", of: ann)
            let wrong = Self.pipeline.replacing("runtime:", with: "runtimee:")
            try await push(gateway, ann, to: "ann/hello", files: [".martlet/config.yml": wrong])
            try await eventually("a run") { try await runs(gateway, ann.token).text.contains("setuperror") }
            let run = try await gateway.call(.get, "projects/user%2Fann%2Fhello/runs/1", token: ann.token).text
            #expect(run.contains(".martlet/config.yml:5:"))
            #expect(run.contains("runtimee"))
        }
    }

    @Test("runs are made of a branch by hand; requests that name no commit, or two, make none")
    func createRun() async throws {
        try await GatewayFixture.with { gateway in
            let ann = try await gateway.makeUser("ann")
            let bob = try await gateway.makeUser("bob")
            try await gateway.makeProject("hello", of: ann)
            try await push(gateway, ann, to: "ann/hello", files: [".martlet/config.yml": Self.pipeline])
            let path = "projects/user%2Fann%2Fhello/createrun"
            let made = try await gateway.call(.post, path, token: ann.token, json: #"{"branch":"main"}"#)
            #expect(made.status == 201)
            #expect(made.text.contains(#""name":"one""#))
            for (json, status) in [
                ("{}", 400), (#"{"branch":"main","tag":"v1"}"#, 400), (#"{"branch":"nowhere"}"#, 400),
                (#"{"ref":"nonsense"}"#, 400),
                (#"{"branch":"main","commit_sha":"0000000000000000000000000000000000000000"}"#, 400), ("", 400),
                ("[]", 400),
                (#"{"branch":"../../etc"}"#, 400), (#"{"branch":7}"#, 400),
            ] {
                let answer = try await gateway.call(.post, path, token: ann.token, json: json)
                #expect(answer.status == status, "\(json): \(answer)")
                #expect(!answer.message.isEmpty)
            }
            #expect(try await gateway.call(.post, path, token: bob.token, json: #"{"branch":"main"}"#).status == 403)
            #expect(try await gateway.call(.post, path, json: #"{"branch":"main"}"#).status == 401)
            let admin = GatewayFixture.adminToken
            #expect(try await gateway.call(.post, path, token: admin, json: #"{"branch":"main"}"#).status == 403)
        }
    }

    @Test("a user's own work tree is run from a pushed commit; another's is not")
    func directRun() async throws {
        try await GatewayFixture.with { gateway in
            let ann = try await gateway.makeUser("ann")
            let uuid = Identifier<Self>.random().text
            let repository = "\(ann.user.id)/\(uuid)"
            try await push(gateway, ann, to: repository, files: [".martlet/config.yml": Self.pipeline])
            let tree = "\(gateway.directory)/tree-main-\(repository.replacing("/", with: "-"))"
            let sha = try await TestProcess.require("git", ["rev-parse", "HEAD"], in: tree).prefix(40)
            func create(_ json: String) async throws -> Answer {
                try await gateway.call(.post, "user/createrun", token: ann.token, json: json)
            }
            let common = #""repo_uuid":"\#(uuid)","repo_path":"\#(repository)","message":"m""#
            let made = try await create("{\(common),\"branch\":\"main\",\"commit_sha\":\"\(sha)\"}")
            #expect(made.status == 201)
            #expect(
                try await gateway.call(.get, "users/ann/runs", token: ann.token).text.contains(#""run_type":"user""#)
            )
            #expect(try await gateway.call(.get, "users/ann/runs/1").status == 403)
            let other =
                #""repo_uuid":"\#(uuid)","repo_path":"somebody/\#(uuid)","message":"m","branch":"main","commit_sha":"\#(sha)""#
            #expect(try await create("{\(other)}").status == 401)
            for json in [
                "{}", "{\(common)}", "{\(common),\"branch\":\"main\"}",
                "{\(common),\"ref\":\"refs/odd/1\",\"commit_sha\":\"\(sha)\"}",
                "{\(common),\"ref\":\"refs/odd/1\",\"commit_sha\":\"\(sha)\",\"pull_request_ref_regexes\":[\"(((\"]}",
            ] {
                #expect(try await create(json).status == 400, "\(json)")
            }
            let pull = try await create(
                "{\(common),\"ref\":\"refs/pull/7/head\",\"commit_sha\":\"\(sha)\",\"pull_request_ref_regexes\":[\"refs/pull/(\\\\d+)/head\"]}"
            )
            #expect(pull.status == 201, "\(pull)")
            #expect(
                try await gateway.call(.get, "users/ann/runs/2", token: ann.token).text.contains(
                    #""pull_request_id":"7""#
                )
            )
        }
    }

    @Test("lists are paged by a cursor that keeps direction and filters")
    func paging() async throws {
        try await GatewayFixture.with { gateway in
            let ann = try await gateway.makeUser("ann")
            try await gateway.makeProject("hello", of: ann)
            try await push(gateway, ann, to: "ann/hello", files: [".martlet/config.yml": Self.pipeline])
            for _ in 0..<4 {
                let path = "projects/user%2Fann%2Fhello/createrun"
                #expect(
                    try await gateway.call(.post, path, token: ann.token, json: #"{"branch":"main"}"#).status == 201
                )
            }
            try await eventually("five runs") { try await runs(gateway, ann.token).text.contains(#""number":5"#) }
            var numbers: [Int] = []
            var query = "?limit=2&subgroup=branch%2Fmain"
            for _ in 0..<3 {
                let page = try await runs(gateway, ann.token, query)
                numbers += try page.decode([[String: AnyNumber]].self).compactMap { $0["number"]?.value }
                let cursor = page.headers[try #require(HTTPField.Name("X-Agola-Cursor"))] ?? ""
                query = "?limit=2&cursor=\(PercentEncoding.query(cursor))"
                if cursor.isEmpty { break }
            }
            #expect(numbers == [5, 4, 3, 2, 1])
            for (query, code) in [
                ("?limit=-1", "invalidLimit"), ("?limit=x", "invalidLimit"),
                ("?sortdirection=up", "invalidSortDirection"),
                ("?start=x", "invalidRunNumber"), ("?cursor=nonsense", "invalidCursor"),
                ("?cursor=e30%3D&start=1", "badrequest"),
            ] {
                let refused = try await runs(gateway, ann.token, query)
                #expect(refused.status == 400, "\(query)")
                #expect(refused.code == code, "\(query)")
            }
        }
    }

    @Test(
        "lists show the tasks that wait for an approval, which their owner gives once; times are the same in run and list"
    )
    func approval() async throws {
        try await GatewayFixture.with { gateway in
            let ann = try await gateway.makeUser("ann")
            let bob = try await gateway.makeUser("bob")
            try await gateway.makeProject("hello", of: ann)
            let careful = Self.pipeline.replacing("name: a\n", with: "name: a\n        approval: true\n")
            try await push(gateway, ann, to: "ann/hello", files: [".martlet/config.yml": careful])
            func listed() async throws -> ListedRun? {
                try await runs(gateway, ann.token).decode([ListedRun].self).first
            }
            try await eventually("a task that waits") { try await listed()?.tasks_waiting_approval.isEmpty == false }
            let run = try #require(try await listed())
            let path = "projects/user%2Fann%2Fhello/runs/1"
            let whole = try await gateway.call(.get, path)
            #expect(try whole.decode(ListedRun.self) == run)
            #expect(run.start_time != nil && run.end_time == nil)
            let task = try #require(try whole.decode(RunOfTasks.self).tasks.keys.first)
            #expect(run.tasks_waiting_approval == [task])
            func approve(_ token: SecretValue) async throws -> Answer {
                let approve = #"{"action_type":"approve"}"#
                return try await gateway.call(.put, "\(path)/tasks/\(task)/actions", token: token, json: approve)
            }
            #expect(try await approve(bob.token).status == 403)
            #expect(try await approve(ann.token).status == 200)
            #expect(try await listed()?.tasks_waiting_approval == [])
            #expect(try await approve(ann.token).code == "runTaskAlreadyApproved")
        }
    }

    @Test("an ended run and the logs of ended tasks are removed by their owner, and by nobody else")
    func removal() async throws {
        try await GatewayFixture.with { gateway in
            let ann = try await gateway.makeUser("ann")
            let bob = try await gateway.makeUser("bob")
            try await gateway.makeProject("hello", of: ann)
            try await push(gateway, ann, to: "ann/hello", files: [".martlet/config.yml": Self.pipeline])
            try await eventually("a run") { try await runs(gateway, ann.token).text.contains(#""number":1"#) }
            let path = "projects/user%2Fann%2Fhello/runs/1"
            let run = try await gateway.call(.get, path).decode(RunOfTasks.self)
            let logs = "\(path)/tasks/\(try #require(run.tasks.keys.first))/logs"
            func remove(_ path: String, _ token: SecretValue?) async throws -> Answer {
                try await gateway.call(.delete, path, token: token)
            }
            #expect(try await remove(path, ann.token).code == "runNotEnded")
            #expect(try await remove("\(logs)?setup", ann.token).code == "logNotComplete")
            let stop = #"{"action_type":"stop"}"#
            #expect(try await gateway.call(.put, "\(path)/actions", token: ann.token, json: stop).status == 200)
            for token in [bob.token, nil] {
                #expect(try await remove(path, token).status == (token == nil ? 401 : 403))
                #expect(try await remove("\(logs)?setup", token).status == (token == nil ? 401 : 403))
            }
            for (query, status) in [("setup", 404), ("step=0", 404), ("step=x", 400), ("", 400), ("setup&step=0", 400)]
            {
                #expect(try await remove("\(logs)?\(query)", ann.token).status == status, "\(query)")
            }
            #expect(try await remove("\(logs)?setup", ann.token).code == "logDoesNotExist")
            #expect(try await remove(path, ann.token).status == 204)
            #expect(try await remove(path, ann.token).code == "runDoesNotExist")
            #expect(try await runs(gateway, ann.token).text == "[]")
        }
    }

    @Test("private things are hidden from others, and only owners change anything")
    func access() async throws {
        try await GatewayFixture.with { gateway in
            let ann = try await gateway.makeUser("ann")
            let bob = try await gateway.makeUser("bob")
            try await gateway.makeProject("hidden", of: ann, visibility: "private")
            let path = "projects/user%2Fann%2Fhidden"
            #expect(try await gateway.call(.get, path).status == 403)
            #expect(try await gateway.call(.get, path, token: bob.token).status == 403)
            #expect(try await gateway.call(.get, path, token: ann.token).status == 200)
            #expect(try await gateway.call(.get, "\(path)/runs", token: bob.token).status == 403)
            #expect(try await gateway.call(.get, "\(path)/events", token: bob.token).status == 403)
            #expect(try await gateway.call(.delete, path, token: bob.token).status == 403)
            #expect(try await gateway.call(.put, path, token: bob.token, json: "{}").status == 403)
            let listed = try await gateway.call(.get, "projectgroups/user%2Fann/projects", token: bob.token)
            #expect(listed.text == "[]")
            let foreign = #"{"name":"x","visibility":"public","repo_path":"ann/hidden","remote_source_name":"local"}"#
            #expect(try await gateway.call(.post, "projects", token: bob.token, json: foreign).status == 403)
            #expect(try await gateway.call(.delete, path, token: ann.token).status == 204)
            #expect(try await gateway.call(.get, path, token: ann.token).code == "projectDoesNotExist")
        }
    }

    @Test(
        "what does not exist says so by its code",
        arguments: [
            ("projects/user%2Fann%2Fnothing", "projectDoesNotExist"),
            ("projects/user%2Fann%2Fhello/runs/99", "runDoesNotExist"),
            ("projects/user%2Fann%2Fhello/runs/x", "invalidRunNumber"), ("users/nobody", "userDoesNotExist"),
            ("projectgroups/user%2Fann%2Fnothing", "projectGroupDoesNotExist"),
            ("projectgroups/nonsense%2F", "invalidPath"),
            ("remotesources/nothing", "remoteSourceDoesNotExist"), ("nowhere", "routeDoesNotExist"),
        ]
    )
    func missing(_ path: String, _ code: String) async throws {
        try await GatewayFixture.with { gateway in
            let ann = try await gateway.makeUser("ann")
            try await gateway.makeProject("hello", of: ann)
            let answer = try await gateway.call(.get, path, token: ann.token)
            #expect(answer.code == code, "\(answer)")
            #expect(answer.status == (code.hasPrefix("invalid") ? 400 : 404))
        }
    }
}

private struct AnyNumber: Decodable {
    let value: Int?

    init(from decoder: any Decoder) throws {
        // Other keys of the object hold other types; only the number matters here.
        value = try? decoder.singleValueContainer().decode(Int.self)
    }
}

private struct ListedRun: Decodable, Equatable {
    let number: Int
    let phase: String
    let tasks_waiting_approval: [String]
    let enqueue_time: String
    let start_time: String?
    let end_time: String?
}

private struct RunOfTasks: Decodable {
    let tasks: [String: Task]

    struct Task: Decodable {}
}
