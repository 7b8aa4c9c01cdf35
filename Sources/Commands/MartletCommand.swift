package import ArgumentParser
import GatewayClient

/// `martlet`: the command line of a Martlet server.
package struct MartletCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "Speaks to a Martlet server.",
        discussion: Outcome.explanation,
        version: martletVersion,
        subcommands: [
            LoginCommand.self, UserCommand.self, ProjectCommand.self, RunCommand.self, LogCommand.self,
            DirectRunCommand.self, MaintenanceCommand.self, ExportCommand.self, ImportCommand.self,
            BackupCommand.self, RestoreCommand.self,
            VersionCommand.self,
        ]
    )

    /// Made by the parser.
    package init() {}

    /// Runs a command line.
    /// - Parameter arguments: the arguments, without the program's name.
    /// - Returns: the exit status.
    package static func run(_ arguments: [String]) async -> Int32 {
        let terminal = Terminal.current
        do {
            var command = try parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return Outcome.success.rawValue
        } catch let failure as CommandFailure {
            terminal.tell("martlet: \(failure.message)")
            return failure.outcome.rawValue
        } catch {
            let code = exitCode(for: error).rawValue
            let message = fullMessage(for: error)
            guard !message.isEmpty else { return code }
            // Help and version were asked for, so they are results. Nobody is left to read them when that fails.
            if code == 0 { try? terminal.line(message) } else { terminal.tell(message) }
            return code
        }
    }
}

/// The program's version.
let martletVersion = "0.1.0"

/// The command `martlet version`.
struct VersionCommand: GatewayCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Shows the versions of the server and of this program."
    )

    @OptionGroup var options: GatewayOptions

    func perform() async throws {
        let server = try await options.anonymousGateway().version()
        try Terminal.current.line("gateway version: \(server.version)")
        try Terminal.current.line("client version: \(martletVersion)")
    }
}
