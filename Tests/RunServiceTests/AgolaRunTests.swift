import Base
import FoundationEssentials
import HTTPTransport
import Model
import RunService
import Store
import TestSupport
import Testing
import WorkerClients

@Suite("Runs come from an export of Agola 0.7", .temporaryDirectory, .timeLimit(.minutes(5)))
struct AgolaRunTests {
    private static let project = "/project/5f3b9c1e-0000-4000-8000-0000000000a1"
    private static let user = "/user/5f3b9c1e-0000-4000-8000-0000000000b1"

    private static func run(_ number: Int) -> RunID { RunID("0000001g5qk8a-000000000000\(number)") }
    private static func task(_ number: Int) -> TaskID { TaskID("0b9f6c2e-0000-4000-8000-00000000000\(number)") }

    @Test("they are listed by group and number, and their numbers go on")
    func listed() async throws {
        let summary = try await RunImportFixture.importing(AgolaFixture("runservice.txt").stream)
        #expect(summary.records == ["run": 5, "definition": 5, "counter": 3])
        try await RunServiceFixture.with { service in
            let all = try await service.client.runs(RunQuery(group: Self.project))
            #expect(all.runs.map(\.number) == [5, 3, 2, 1])
            #expect(all.runs.map(\.sequence) == [5, 3, 2, 1])
            let branch = try await service.client.runs(RunQuery(group: "\(Self.project)/branch/feature%2Fx"))
            #expect(branch.runs.map(\.number) == [5, 1])
            let failed = try await service.client.runs(RunQuery(group: Self.project, results: ["failed"]))
            #expect(failed.runs.map(\.id) == [Self.run(2)])
            #expect(try await service.client.run(number: 1, in: Self.user).run.id == Self.run(4))

            let next = try await service.create("a", group: "\(Self.project)/branch/main")
            #expect((next.number, next.sequence) == (6, 6))
            #expect(try await service.create("a", group: "\(Self.user)/branch/main").number == 2)
            let restart = RunCreation.restart(run: Self.run(1), fromStart: false, environment: [:], secrets: [])
            #expect(await refusal { try await service.client.create(restart) }?.code == "runCannotBeRestarted")
            let again = RunCreation.restart(run: Self.run(1), fromStart: true, environment: [:], secrets: [])
            let restarted = try await service.client.create(again)
            #expect(restarted.number == 7)
            #expect(restarted.tasks.values.map(\.name).sorted() == ["build", "test"])
        }
    }

    @Test("a run comes whole: tasks, steps, times, approval, environment, graph")
    func whole() async throws {
        try await RunImportFixture.importing(AgolaFixture("runservice.txt").stream)
        try await RunServiceFixture.with { service in
            let whole = try await service.client.run(Self.run(1))
            #expect(whole.run.phase == .finished)
            #expect(whole.run.result == .success)
            #expect(whole.run.annotations["message"] == "Say “hello”")
            #expect(whole.run.enqueueTime == Timestamp.date("2022-03-01T10:00:30.123457Z"))
            #expect(whole.run.endTime == Timestamp.date("2022-03-01T10:01:24.123457Z"))
            let test = try #require(whole.run.tasks[Self.task(2)])
            #expect(test.name == "test")
            #expect(test.status == .failed)
            #expect(test.approved && !test.waitingApproval)
            #expect(test.annotations["approvers"]?.contains("00b1") == true)
            #expect(test.steps.map(\.exitStatus) == [0, 3])
            #expect(test.steps.map(\.phase) == [.success, .failed])
            #expect(test.setupStep.phase == .success)

            let definition = whole.definition
            #expect(definition.staticEnvironment["AGOLA_GIT_BRANCH"] == "feature/x")
            #expect(definition.secrets.map(\.revealed).first?.contains("PRIVATE KEY") == true)
            let build = try #require(definition.tasks[Self.task(1)])
            #expect(build.environment == ["TOKEN": "t0ken"])
            #expect(build.runtime.architecture == "amd64")
            #expect(build.runtime.containers.map(\.image) == ["golang:1.17", "postgres:14"])
            #expect(build.runtime.containers.map(\.privileged) == [false, true])
            #expect(build.steps.map(\.name) == ["Clone repository and checkout code", "make", "save_to_workspace"])
            guard case .run(let make) = build.steps[1] else { return }
            #expect(make.workingDirectory == "src" && make.shell == "/bin/zsh" && !make.tty)
            let wanted = try #require(definition.tasks[Self.task(2)])
            #expect(wanted.depends == [Self.task(1): [.onSuccess, .onSkipped]])
            #expect(wanted.level == 1 && wanted.ignoreFailure && wanted.needsApproval && wanted.user == "ci")
        }
    }

    @Test("one with a setup error has its reason, one whose executor was lost no step that runs for ever")
    func oddRuns() async throws {
        try await RunImportFixture.importing(AgolaFixture("runservice.txt").stream)
        try await RunServiceFixture.with { service in
            let wrong = try await service.client.run(Self.run(3)).run
            #expect(wrong.phase == .setuperror)
            #expect(wrong.setupErrors == ["run \"ci\": task \"x\" has no runtime"])
            let lost = try #require(try await service.client.run(Self.run(2)).run.tasks[Self.task(3)])
            #expect(lost.setupStep.phase == .failed)
            #expect(lost.setupStep.endTime == lost.endTime)
            let stopped = try await service.client.run(Self.run(4))
            #expect(stopped.run.stop && stopped.run.result == .stopped)
            #expect(stopped.definition.cacheGroup == "5f3b9c1e-0000-4000-8000-0000000000b1-repo")
            let skipped = try #require(stopped.run.tasks[Self.task(5)])
            #expect(skipped.status == .skipped && skipped.skip && !skipped.waitingApproval)
            let shared = try await service.client.run(Self.run(6))
            #expect(shared.run.tasks[Self.task(1)]?.status == .success)
        }
    }

    @Test("logs are shown once Agola's objects lie in the object storage")
    func logs() async throws {
        try await RunImportFixture.importing(AgolaFixture("runservice.txt").stream)
        let directory = "\(TemporaryDirectory.path)/objects/data/logs/\(Self.task(1))/data/steps"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try Data("made\n".utf8).write(to: URL(filePath: "\(directory)/1.log"))
        try await RunServiceFixture.with { service in
            let log = try await service.client.log(.step(1), of: Self.task(1), run: Self.run(6), follow: true)
            var text: [UInt8] = []
            for try await part in log.body { text += part }
            #expect(String(decoding: text, as: UTF8.self) == "made\n")
            let missing = await refusal {
                try await service.client.log(.step(0), of: Self.task(1), run: Self.run(1), follow: true)
            }
            #expect(missing?.kind == .notExist)
        }
    }

    @Test("what is not carried over is told, a sentence a kind")
    func warnings() async throws {
        let store = try await RunImportFixture.open()
        let source = try await RunImportFixture.read(AgolaFixture("runservice.txt").stream, by: store)
        #expect(
            source.summary.warnings.dropFirst() == [
                "Counters of projects and users without ended runs were left out: 1.",
                "Credentials of image registries were left out: 3.",
                "Entry points of containers were left out: 5.",
                "Run configs without an ended run were left out (their runs had not ended in Agola): 1.",
                "Steps for workspaces and caches were carried over by name (a restarted run fails at them): 6.",
                "Volumes of containers were left out: 5.",
                "Workspace archives of steps were left out: 2.",
            ]
        )
    }

    @Test(
        "what cannot be right is refused with the position",
        arguments: [
            (#""phase":"finished""#, #""phase":"running""#, "has not ended"),
            (#""phase":"finished""#, #""phase":"done""#, "cannot be read"),
            (#""counter":1,"#, "", "cannot be read"),
            (#""counter":1,"#, #""counter":0,"#, "has no number"),
            (#""counter":5,"#, #""counter":6,"#, "stands at 5, but there is a run 6"),
            (#""id":"0000001g5qk8a-0000000000002""#, #""id":"other""#, "is no run of that id"),
            (#"{"0b9f6c2e-"#, #"{"../../etc-"#, "another id than its own"),
            ("runconfig 0000001g5qk8a-0000000000003", "runconfig 0000001g5qk8a-00000000000025", "is no run config"),
            (#""type":"save_cache""#, #""type":"fly""#, "cannot be read"),
            ("runcounter 5f3b9c1e-0000-4000-8000-0000000000a1 5", "x y z", "the type x is unknown"),
            ("0000000000a1 5", "0000000000a1 -5", "no number of runs"),
            ("0000000000a1 5", "0000000000a1 9223372036854775807", "no number of runs"),
            ("2022-03-01T10:00:30", "yesterday", "cannot be read"),
        ]
    )
    func refused(text: String, other: String, sentence: String) async throws {
        let store = try await RunImportFixture.open()
        let fixture = try AgolaFixture("runservice.txt").replacing(text, with: other)
        let refusal = try #require(try await RunImportFixture.refusal(of: fixture.stream, by: store))
        #expect(refusal.code == "invalidImport")
        #expect(refusal.message.hasPrefix("Line 1, byte "))
        #expect(refusal.message.contains(sentence), "\(refusal.message)")
    }

    @Test("a stream that was cut between two objects is refused as long as something of its runs is missing")
    func cut() async throws {
        let store = try await RunImportFixture.open()
        let fixture = try AgolaFixture("runservice.txt")
        let counters = fixture.lines.filter { $0.hasPrefix("runcounter") }.count
        for length in 1..<fixture.lines.count {
            var part = fixture
            part.lines.removeSubrange(length...)
            let refusal = try await RunImportFixture.refusal(of: part.stream, by: store)
            #expect(refusal?.message.contains("is not whole") == true, "\(length) of \(fixture.lines.count) lines")
        }
        #expect(counters == 3)
    }

    @Test("any damage is refused with the position or leaves runs that can all be read")
    func fuzz() async throws {
        let fixture = try AgolaFixture("runservice.txt")
        let store = try await RunImportFixture.open()
        var random = SeededGenerator.announced()
        var accepted: [ImportSource] = []
        for round in 0..<120 {
            var damaged = fixture
            for _ in 0..<Int.random(in: 1...3, using: &random) { damaged = damaged.mutated(by: &random) }
            var stream = damaged.stream
            if round.isMultiple(of: 4) {
                stream[Int.random(in: stream.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            do {
                accepted.append(try await RunImportFixture.read(stream, by: store))
            } catch {
                let refusal = try #require(ErrorChain(error).first(APIError.self), "\(error)")
                #expect(refusal.code == "invalidImport" && refusal.message.hasPrefix("Line "), "\(refusal.message)")
            }
        }
        _ = try await store.setMaintenance(true)
        for (index, source) in accepted.enumerated() where index < 8 {
            let target = try await RunImportFixture.open()
            _ = try await target.authority.replaceAll(with: source, force: true)
            try await readAll(try await RunImportFixture.open())
        }
    }

    private func readAll(_ store: ServiceStore) async throws {
        let roots = try await store.read { tx in
            try tx.rows("SELECT DISTINCT root FROM run_list").map { try $0.text("root") }
        }
        let queries = RunQueries(store: store)
        for root in roots {
            let page = try await queries.page(RunQuery(group: root, limit: 0))
            for run in try page.map({ try JSONCoding.decode(Run.self, from: $0) }).runs {
                #expect(try await queries.run(run.id)?.run == run)
            }
        }
    }
}
