import ArgumentParser
import Base
import FoundationEssentials
import GatewayClient
import Glibc

/// The command `martlet log`.
struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "log", abstract: "Logs.", subcommands: [Get.self])

    struct Get: GatewayCommand {
        static let configuration = CommandConfiguration(
            commandName: "get",
            abstract: "Prints a step's log.",
            discussion: "A broken connection is taken up again where it broke off."
        )

        @OptionGroup var options: GatewayOptions
        @OptionGroup var reference: RunReferenceOptions

        @Option(help: "The task's name.")
        var taskname: String?

        @Option(help: "The task's id.")
        var taskid: String?

        @Option(help: "The step, counted from 0.")
        var step: Int?

        @Flag(help: "The log of what comes before the first step.")
        var setup = false

        @Flag(help: "Wait for what a running step still writes.")
        var follow = false

        @Option(help: "Write to this file instead of the terminal.")
        var output: String?

        func validate() throws {
            guard (taskname == nil) != (taskid == nil) else {
                throw ValidationError("Name one of --taskname and --taskid.")
            }
            guard (step == nil) == setup else { throw ValidationError("Name one of --step and --setup.") }
            guard step ?? 0 >= 0 else { throw ValidationError("--step must not be negative.") }
            guard !follow || output == nil else { throw ValidationError("--follow and --output exclude each other.") }
        }

        func perform() async throws {
            let gateway = try options.gateway()
            let log = Gateway.LogReference(
                owner: reference.owner.owner,
                run: reference.runnumber,
                task: try await task(gateway),
                selection: step.map { .step($0) } ?? .setup
            )
            guard let output else {
                return try await gateway.readLog(log, follow: follow) { try Terminal.current.write($0) }
            }
            try await save(log, from: gateway, to: output)
        }

        private func task(_ gateway: Gateway) async throws -> String {
            if let taskid { return taskid }
            let run = try await gateway.run(reference.runnumber, of: reference.owner.owner)
            guard let task = run.tasks.values.first(where: { $0.name == taskname }) else {
                let names = run.orderedTasks.map(\.name).joined(separator: ", ")
                throw CommandFailure("run \(run.number) has no task “\(taskname ?? "")”; it has: \(names)")
            }
            return task.id
        }

        private func save(_ log: Gateway.LogReference, from gateway: Gateway, to path: String) async throws {
            let path = Terminal.current.path(path)
            let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else { throw SystemError("create \(path)") }
            defer { close(descriptor) }
            try await gateway.readLog(log, follow: false) { bytes in
                var rest = bytes[...]
                while !rest.isEmpty {
                    let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
                    guard count > 0 else { throw SystemError("write \(path)") }
                    rest = rest.dropFirst(count)
                }
            }
        }
    }
}
