import ArgumentParser
import Base
import GatewayClient

/// The command `martlet user`.
struct UserCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user",
        abstract: "Users and their tokens.",
        subcommands: [Create.self, List.self, Token.self]
    )

    struct Create: GatewayCommand {
        static let configuration = CommandConfiguration(commandName: "create", abstract: "Creates a user; for admins.")

        @OptionGroup var options: GatewayOptions

        @Option(name: [.long, .customShort("n")], help: "The user's name.")
        var username: String

        @Flag(help: "Read the user's password from standard input; without it the user cannot sign in by password.")
        var passwordStdin = false

        @Flag(help: "Make the user an admin.")
        var admin = false

        func perform() async throws {
            let terminal = Terminal.current
            let password = passwordStdin ? terminal.readLine() : nil
            guard !passwordStdin || password?.isEmpty == false else {
                throw CommandFailure("there is no password on standard input")
            }
            let user = try await options.gateway()
                .createUser(username, password: password.map { SecretValue($0) }, isAdmin: admin)
            terminal.tell("user \(user.username) created, ID: \(user.id)")
        }
    }

    struct List: GatewayCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists all users; for admins.")

        @OptionGroup var options: GatewayOptions
        @OptionGroup var output: ListOutput

        func perform() async throws {
            try output.print(try await options.gateway().users()) { "\($0.id): Name: \($0.username)" }
        }
    }

    struct Token: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "token",
            abstract: "A user's tokens.",
            subcommands: [Create.self]
        )

        struct Create: GatewayCommand {
            static let configuration = CommandConfiguration(
                commandName: "create",
                abstract: "Creates a token and prints it; it is never shown again."
            )

            @OptionGroup var options: GatewayOptions

            @Option(name: [.long, .customShort("n")], help: "The user's name.")
            var username: String

            @Option(name: [.customLong("tokenname"), .customShort("t")], help: "What to call the token.")
            var tokenName: String

            func perform() async throws {
                let token = try await options.gateway().createToken(tokenName, for: username)
                try Terminal.current.line(token.revealed)
            }
        }
    }
}
