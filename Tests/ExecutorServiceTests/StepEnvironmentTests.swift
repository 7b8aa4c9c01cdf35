import Base
import Glibc
import Model
import ServiceKit
import TestSupport
import Testing

@testable import ExecutorService

/// What a step finds: variables, directories, shell, secrets, limits, and explanations where something is missing.
@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct StepEnvironmentTests {
    @Test("variables of the step lie above those of the task, and these above the container's")
    func precedence() throws {
        var data = ExecutorTaskSpecData.sample("true") { task in
            task.runtime.containers[0].environment = [
                "A": "container", "B": "container", "C": "container", "HOME": "/h",
            ]
            task.environment = ["B": "task", "C": "task"]
        }
        data.environment["HOME"] = nil
        let step = RunStep(name: "", command: "true", environment: ["C": "step"], tty: false)
        let command = try StepCommand(index: 0, step: step, task: data, place: ["A": "place", "D": "place"])
        #expect(command.environment["A"] == "container")
        #expect(command.environment["B"] == "task")
        #expect(command.environment["C"] == "step")
        #expect(command.environment["D"] == "place")
        #expect(command.taskDirectory == "/h/project")
    }

    @Test(
        "working directories are resolved",
        arguments: [("~", "/h"), ("~/a", "/h/a"), ("/x", "/x"), ("a/b", "/base/a/b"), ("", "/base"), (".", "/base/.")]
    )
    func directories(path: String, expected: String) throws {
        #expect(try StepCommand.resolve(path, home: "/h", base: "/base") == expected)
    }

    @Test("another user's home, zero bytes, empty shells and impossible variables are refused with a reason")
    func refusals() {
        #expect(throws: SetupError.self) { try StepCommand.resolve("~root/x", home: "/h", base: "/b") }
        #expect(throws: SetupError.self) { try StepCommand.resolve("/a\0b", home: "/h", base: "/b") }
        let data = ExecutorTaskSpecData.sample("true")
        for step in [
            RunStep(name: "", command: "true", shell: " "),
            RunStep(name: "", command: "true", environment: ["A=B": "1"]),
            RunStep(name: "", command: "true", environment: ["A": "1\0"]),
            RunStep(name: "", command: "true", environment: ["": "1"]),
        ] {
            #expect(throws: SetupError.self) { try StepCommand(index: 0, step: step, task: data, place: [:]) }
        }
    }

    @Test(
        "a working directory anywhere is made before the first step and persists",
        arguments: ["/build/deep/er", "/srv/x", "~/other", "relative"]
    )
    func workingDirectory(path: String) async throws {
        try await withExecutor(.sandbox) { service in
            let data = ExecutorTaskSpecData.sample("pwd; echo kept > file", "cat file") { $0.workingDirectory = path }
            let task = try await service.assign(data)
            #expect(await service.result(of: task).phase == .success)
            #expect(await service.log(task, .step(1)) == "kept\n")
        }
    }

    @Test(
        "the shell of step or task executes the command's file",
        arguments: [ExecutorConfiguration.DriverKind.host, .sandbox]
    )
    func shell(driver: ExecutorConfiguration.DriverKind) async throws {
        try await withExecutor(driver) { service in
            var data = ExecutorTaskSpecData.sample("echo ${BASH_VERSION:+bash}", "false; echo on") { $0.shell = "bash" }
            data.steps[1] = .run(RunStep(name: "", command: "false; echo on", shell: "/bin/sh", tty: false))
            let task = try await service.assign(data)
            #expect(await service.result(of: task).phase == .success)
            #expect(await service.log(task, .step(0)) == "bash\n")
            #expect(await service.log(task, .step(1)) == "on\n")
        }
    }

    @Test(
        "what cannot be executed fails its step with an explanation",
        arguments: [ExecutorConfiguration.DriverKind.host, .sandbox]
    )
    func notExecutable(driver: ExecutorConfiguration.DriverKind) async throws {
        try await withExecutor(driver) { service in
            var data = ExecutorTaskSpecData.sample("true") { $0.shell = "no-such-shell -e" }
            let first = try await service.assign(data)
            #expect(await service.result(of: first).phase == .failed)
            #expect(await service.log(first, .step(0)).contains("no-such-shell"))
            data = .sample("true")
            data.steps = [.run(RunStep(name: "", command: "true", workingDirectory: "/no/such/place", tty: false))]
            let second = try await service.assign(data)
            #expect(await service.result(of: second).phase == .failed)
            #expect(await service.log(second, .step(0)) != "")
        }
    }

    @Test("secrets reach neither the runservice nor the executor's disk", arguments: [true, false])
    func secrets(tty: Bool) async throws {
        let directory = "\(TemporaryDirectory.path)/data"
        try await withExecutor(.sandbox, in: directory) { service in
            let secret = "correct-horse-battery"
            let command = #"printf 'corr'; sleep 0.05; printf 'ect-horse-battery'; printf %s "$S" | base64; echo; cat"#
            var data = ExecutorTaskSpecData.sample(command + " /dev/null", tty: tty, secrets: [secret])
            data.environment["S"] = secret
            // The disk keeps the log for as long as nobody takes it.
            await service.refuseLogs(true)
            let task = try await service.assign(data)
            let spool = "\(directory)/tasks/\(task)/0.log"
            try await eventually("the masked secret is on the disk", within: .seconds(60)) {
                guard FileTree.exists(spool) else { return false }
                let onDisk = String(decoding: try FileTree.read(spool), as: UTF8.self)
                #expect(!onDisk.contains("horse"))
                return onDisk.contains("***")
            }
            await service.refuseLogs(false)
            #expect(await service.result(of: task).phase == .success)
            let log = await service.log(task, .step(0))
            #expect(log.filter { !$0.isWhitespace } == "***")
        }
    }

    @Test("an unknown image, a second container, another user and privileges are refused with a helpful sentence")
    func refusedSetups() async throws {
        try await withExecutor(.sandbox) { service in
            let cases: [(String, @Sendable (inout TaskDefinition) -> Void)] = [
                ("no image \"alpine\"", { $0.runtime.containers[0].image = "alpine" }),
                ("one container", { $0.runtime.containers.append(ContainerDefinition(image: "host")) }),
                ("not as postgres", { $0.user = "postgres" }),
                ("privileged", { $0.runtime.containers[0].privileged = true }),
            ]
            for (sentence, adjust) in cases {
                let task = try await service.assign(.sample("true", adjust: adjust))
                let status = await service.result(of: task)
                #expect(status.phase == .failed)
                #expect(status.setupStep.phase == .failed)
                #expect(status.steps[0].phase == .notstarted)
                #expect(status.failError?.contains(sentence) == true)
                #expect(await service.log(task, .setup).contains(sentence))
            }
        }
    }

    @Test(
        "a task that takes too much memory is killed, and its log says why",
        .enabled(if: Self.hasGroups, "needs writable control groups")
    )
    func memoryLimit() async throws {
        try await withExecutor(.sandbox) {
            $0.memoryLimit = 64 << 20
        } _: { service in
            let task = try await service.assign(.sample(#"perl -e '$x = "x" x (200 << 20); print length $x'"#))
            #expect(await service.result(of: task).phase == .failed)
            #expect(await service.log(task, .step(0)).contains("ran out of memory"))
        }
    }

    @Test("a fork bomb ends at the process limit", .enabled(if: Self.hasGroups, "needs writable control groups"))
    func processLimit() async throws {
        try await withExecutor(.sandbox) {
            $0.processLimit = 40
        } _: { service in
            let task = try await service.assign(.sample("for i in $(seq 100); do sleep 0.3 & done; wait"))
            #expect(await service.result(of: task).phase == .failed)
            #expect(await service.log(task, .step(0)).lowercased().contains("fork"))
        }
    }

    private static let hasGroups: Bool = {
        let groups = ControlGroups(
            named: "probe-\(getpid())",
            limits: ControlGroups.Limits(memory: 1, processes: 1)
        )
        defer { groups.removeOwn() }
        return groups.missing.isEmpty
    }()
}
