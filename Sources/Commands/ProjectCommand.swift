import ArgumentParser
import GatewayClient

/// The command `martlet project`.
struct ProjectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "project",
        abstract: "Projects.",
        subcommands: [Create.self, List.self]
    )

    enum Visibility: String, ExpressibleByArgument, CaseIterable {
        case `public`
        case `private`
    }

    struct Create: GatewayCommand {
        static let configuration = CommandConfiguration(
            commandName: "create",
            abstract: "Creates a project.",
            discussion: "At the remote source “local” the repository is created, too, when it does not exist."
        )

        @OptionGroup var options: GatewayOptions

        @Option(name: [.long, .customShort("n")], help: "The project's name.")
        var name: String

        @Option(help: "The group to lie in, by path or id. (default: your own, user/<name>)")
        var parent: String?

        @Option(help: "The repository at the remote source: <owner>/<name>.")
        var repoPath: String

        @Option(help: "The remote source's name.")
        var remoteSource = "local"

        @Option(help: "public or private.")
        var visibility = Visibility.public

        @Flag(name: [.long, .customShort("s")], help: "Do not check host keys when cloning over ssh.")
        var skipSshHostKeyCheck = false

        @Flag(help: "Give variables to runs of pull requests from forks.")
        var passVarsToForkedPr = false

        func perform() async throws {
            var creation = Gateway.ProjectCreation(
                name: name,
                parent: parent,
                visibility: visibility.rawValue,
                repositoryPath: repoPath,
                remoteSource: remoteSource
            )
            creation.skipsSSHHostKeyCheck = skipSshHostKeyCheck
            creation.passesVariablesToForkedPullRequests = passVarsToForkedPr
            let project = try await options.gateway().createProject(creation)
            Terminal.current.tell("project \(project.path) created, ID: \(project.id)")
        }
    }

    struct List: GatewayCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists the projects of a group.")

        @OptionGroup var options: GatewayOptions
        @OptionGroup var output: ListOutput

        @Option(help: "The group, by path or id. (default: your own, user/<name>)")
        var parent: String?

        func perform() async throws {
            let gateway = try options.gateway()
            var group = parent
            if group == nil { group = "user/\(try await gateway.currentUser().username)" }
            try output.print(try await gateway.projects(in: group ?? "")) { "\($0.id): Name: \($0.name)" }
        }
    }
}
