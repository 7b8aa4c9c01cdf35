import ArgumentParser
import Base
import GatewayClient

/// The command `martlet directrun`.
struct DirectRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "directrun",
        abstract: "Runs of your own work tree.",
        subcommands: [Start.self]
    )

    struct Start: GatewayCommand {
        static let configuration = CommandConfiguration(
            commandName: "start",
            abstract: "Runs the work tree as it is, uncommitted changes included, and follows the log.",
            discussion: """
                Nothing of the work tree is changed: no index, no branch, no file. The pipeline file is read from the \
                snapshot. The exit status is 0 when every run succeeded and 2 when one did not.
                """
        )

        @OptionGroup var options: GatewayOptions

        @Flag(inversion: .prefixedNo, help: "Include files that git does not know.")
        var untracked = true

        @Flag(inversion: .prefixedNo, help: "Include files that git is told to ignore.")
        var ignored = false

        @Flag(
            inversion: .prefixedNo,
            help:
                "Include the history, so that the run can compare with earlier commits; without it the snapshot is one commit."
        )
        var history = false

        @Option(help: "The branch the run shall believe to be on. (default: master)")
        var branch: String?

        @Option(help: "The tag the run shall believe to be for.")
        var tag: String?

        @Option(help: "The full name of the ref the run shall believe to be for.")
        var ref: String?

        @Option(help: "Refs that stand for pull requests; the first group is the number. May be repeated.")
        var pullRequestRefRegexes = [#"refs/pull/(\d+)/head"#, #"refs/merge-requests/(\d+)/head"#]

        @Option(name: .customLong("var"), help: "A variable, name=value. May be repeated; wins over files.")
        var variables: [String] = []

        @Option(name: .customLong("var-file"), help: "A YAML or JSON map of variables. May be repeated.")
        var variableFiles: [String] = []

        @Flag(inversion: .prefixedNo, help: "Follow the log and wait for the end.")
        var follow = true

        func validate() throws {
            guard [branch, tag, ref].compactMap(\.self).count <= 1 else {
                throw ValidationError("Name at most one of --branch, --tag and --ref.")
            }
            for pattern in pullRequestRefRegexes {
                do {
                    _ = try Regex(pattern)
                } catch {
                    throw ValidationError("“\(pattern)” is no regular expression: \(error)")
                }
            }
        }

        func perform() async throws {
            let url = try options.url()
            let gateway = try options.gateway()
            guard let token = try options.token(for: url) else {
                throw CommandFailure(
                    "you are not signed in to \(url): use “martlet login”, --token or MARTLET_TOKEN",
                    .notAllowed
                )
            }
            let user = try await gateway.currentUser()
            let variables = try runVariables()
            let run = try await push(to: gateway, as: user, token)
            let created = try await gateway.createDirectRun(with(variables, run))
            guard !created.isEmpty else {
                return Terminal.current.tell("no run: the pipeline file has none for \(refName)")
            }
            for run in created { Terminal.current.tell("run \(run.number) (\(run.name)) created") }
            if follow { try await RunFollower(gateway, .user(user.id)).follow(created.map(\.number)) }
        }

        private func runVariables() throws -> [String: String] {
            var collected = RunVariables()
            for file in variableFiles {
                try collected.add(file: file.hasPrefix("/") ? file : "\(Terminal.current.directory)/\(file)")
            }
            for variable in variables { try collected.add(variable) }
            return collected.values
        }

        private func push(
            to gateway: Gateway,
            as user: Gateway.User,
            _ token: SecretValue
        ) async throws -> Gateway.DirectRun {
            let terminal = Terminal.current
            let tree = try await WorkTree(around: terminal.directory, environment: terminal.environment)
            let uuid = try await tree.repositoryUUID()
            let content = WorkTree.Content(untracked: untracked, ignored: ignored, history: history)
            let message = "martlet direct run"
            let commit = try await tree.snapshot(content, message: message)
            let path = "\(user.id)/\(uuid)"
            try await tree.push(
                commit,
                to: refName,
                at: "\(gateway.url)/repos/\(path).git",
                as: user.username,
                token: token
            )
            return Gateway.DirectRun(
                repositoryUUID: uuid,
                repositoryPath: path,
                ref: selection,
                commit: commit,
                message: message
            )
        }

        private func with(_ variables: [String: String], _ run: Gateway.DirectRun) -> Gateway.DirectRun {
            var run = run
            run.variables = variables
            run.pullRequestPatterns = pullRequestRefRegexes
            return run
        }

        private var selection: Gateway.RefSelection {
            if let tag { return .tag(tag) }
            if let ref { return .ref(ref) }
            return .branch(branch ?? "master")
        }

        private var refName: String {
            switch selection {
            case .branch(let name): "refs/heads/\(name)"
            case .tag(let name): "refs/tags/\(name)"
            case .ref(let name): name
            }
        }
    }
}
