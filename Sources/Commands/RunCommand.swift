import ArgumentParser
import Base
import GatewayClient

/// The command `martlet run`.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs.",
        subcommands: [List.self, Get.self, Create.self, Stop.self, Restart.self]
    )

    struct List: GatewayCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists runs, the newest first.")

        @OptionGroup var options: GatewayOptions
        @OptionGroup var owner: RunOwnerOptions
        @OptionGroup var output: ListOutput

        @Option(
            name: [.long, .customShort("s")],
            help: "Only runs in this phase: setuperror, queued, cancelled, running or finished. May be repeated."
        )
        var phase: [String] = []

        @Option(help: "The most runs to list.")
        var limit = 10

        @Option(help: "Only runs with a lower number than this one; 0 for all.")
        var start: UInt64 = 0

        func validate() throws {
            guard limit > 0 else { throw ValidationError("--limit must be greater than 0.") }
        }

        func perform() async throws {
            let gateway = try options.gateway()
            var filter = Gateway.RunFilter()
            filter.phases = phase
            filter.limit = limit
            filter.start = start
            let runs = try await gateway.runs(of: owner.owner, filter)
            guard output.output == .text else { return try output.print(runs) { "\($0.number)" } }
            for summary in runs {
                let run = try await gateway.run(summary.number, of: owner.owner)
                for line in try await RunText(gateway, owner.owner).lines(of: run) { try Terminal.current.line(line) }
            }
        }
    }

    struct Get: GatewayCommand {
        static let configuration = CommandConfiguration(
            commandName: "get",
            abstract: "Shows a run with its tasks and steps."
        )

        @OptionGroup var options: GatewayOptions
        @OptionGroup var reference: RunReferenceOptions
        @OptionGroup var output: ListOutput

        func perform() async throws {
            let gateway = try options.gateway()
            let run = try await gateway.run(reference.runnumber, of: reference.owner.owner)
            if output.output == .json {
                return try Terminal.current.line(String(decoding: try JSONCoding.encode(run), as: UTF8.self))
            }
            for line in try await RunText(gateway, reference.owner.owner).lines(of: run) {
                try Terminal.current.line(line)
            }
        }
    }

    struct Create: GatewayCommand {
        static let configuration = CommandConfiguration(
            commandName: "create",
            abstract: "Runs a project's branch, tag or ref."
        )

        @OptionGroup var options: GatewayOptions
        @OptionGroup var ref: RefOptions
        @OptionGroup var output: ListOutput

        @Option(help: "The project, by path or id.")
        var project: String

        @Option(help: "The commit. (default: the ref's head)")
        var commitSha: String?

        func perform() async throws {
            let runs = try await options.gateway().createRun(project: project, ref.selection, commit: commitSha)
            if runs.isEmpty { Terminal.current.tell("no run: the pipeline file has none for this ref") }
            try output.print(runs) { "\($0.number): Name: \($0.name)" }
        }
    }

    struct Stop: GatewayCommand {
        static let configuration = CommandConfiguration(
            commandName: "stop",
            abstract: "Stops a run, or cancels it when it has not begun."
        )

        @OptionGroup var options: GatewayOptions
        @OptionGroup var reference: RunReferenceOptions

        func perform() async throws {
            let gateway = try options.gateway()
            let owner = reference.owner.owner
            let run = try await gateway.run(reference.runnumber, of: owner)
            guard !run.hasEnded else { throw CommandFailure("run \(run.number) has ended already: \(run.phase)") }
            let action = run.phase == "queued" ? Gateway.RunAction.cancel : .stop
            _ = try await gateway.perform(action, onRun: run.number, of: owner)
            Terminal.current.tell(action == .cancel ? "run \(run.number) cancelled" : "run \(run.number) is stopping")
        }
    }

    struct Restart: GatewayCommand {
        static let configuration = CommandConfiguration(
            commandName: "restart",
            abstract: "Runs a run again and prints the new run's number."
        )

        @OptionGroup var options: GatewayOptions
        @OptionGroup var reference: RunReferenceOptions

        @Flag(help: "Keep what succeeded; run only the rest again.")
        var fromFailed = false

        func perform() async throws {
            let action = Gateway.RunAction.restart(fromStart: !fromFailed)
            let run = try await options.gateway().perform(action, onRun: reference.runnumber, of: reference.owner.owner)
            try Terminal.current.line("\(run.number)")
        }
    }
}

/// A run as indented lines.
struct RunText {
    private let gateway: Gateway
    private let owner: Gateway.RunOwner

    init(_ gateway: Gateway, _ owner: Gateway.RunOwner) {
        self.gateway = gateway
        self.owner = owner
    }

    /// One line for the run, below it one for each task, below that one for each step.
    func lines(of run: Gateway.Run) async throws -> [String] {
        var lines = ["\(run.number): Phase: \(run.phase), Result: \(run.result)"]
        lines += (run.setupErrors ?? []).map { "\tSetup error: \($0)" }
        for task in run.orderedTasks {
            lines.append("\tTaskName: \(task.name), TaskID: \(task.id), Status: \(task.status)")
            let details = try await gateway.task(task.id, run: run.number, of: owner)
            for (number, step) in details.steps.enumerated() {
                let status = step.type == "run" ? step.exitStatus.map { ", ExitStatus: \($0)" } ?? "" : ""
                lines.append(
                    "\t\tStep: \(number), Name: \(step.name), Type: \(step.type), Phase: \(step.phase)\(status)"
                )
            }
        }
        return lines
    }
}
