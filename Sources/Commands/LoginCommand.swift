import ArgumentParser
import Base
import FoundationEssentials
import GatewayClient

/// The command `martlet login`.
struct LoginCommand: GatewayCommand {
    static let configuration = CommandConfiguration(
        commandName: "login",
        abstract: "Signs in and remembers it.",
        discussion: """
            Asks for name and password, makes a token for this machine and stores it, readable for you alone, in \
            $XDG_CONFIG_HOME/martlet/config.json, by default ~/.config/martlet/config.json. The password is not stored. \
            With --token that token is stored instead.
            """
    )

    @OptionGroup var options: GatewayOptions

    @Option(name: [.long, .customShort("n")], help: "Your name. (default: asked for)")
    var username: String?

    @Flag(help: "Read the password from standard input instead of asking for it.")
    var passwordStdin = false

    @Option(help: "Where your account is; “local” for accounts of the server itself.")
    var remoteSource = "local"

    @Option(name: .customLong("tokenname"), help: "What to call the token. (default: cli- and a random number)")
    var tokenName: String?

    func perform() async throws {
        let url = try options.url()
        let token = if let token = options.token { SecretValue(token) } else { try await newToken() }
        let gateway = try options.anonymousGateway().authenticated(by: .token(token))
        let user = try await gateway.currentUser()
        let path = try StoredLogin(gatewayURL: url, token: token).write(Terminal.current.environment)
        Terminal.current.tell("signed in to \(url) as \(user.username); stored in \(path)")
    }

    private func newToken() async throws -> SecretValue {
        let terminal = Terminal.current
        guard let name = username ?? terminal.ask("User name: "), !name.isEmpty else {
            throw CommandFailure("who are you? Give --username when there is no terminal to ask at")
        }
        let password = passwordStdin ? terminal.readLine() : terminal.askSecret("Password: ")
        guard let password, !password.isEmpty else {
            throw CommandFailure("there is no password: give it on standard input with --password-stdin")
        }
        do {
            let session = try await options.anonymousGateway()
                .signedIn(as: name, password: SecretValue(password), remoteSource: remoteSource)
            let user = try await session.currentUser()
            return try await session.createToken(tokenName ?? "cli-\(UInt32.random(in: .min ... .max))", for: user.id)
        } catch {
            guard let refusal = ErrorChain(error).first(Gateway.Refusal.self), refusal.status == 401 else {
                throw error
            }
            throw CommandFailure("the name or the password is wrong", .notAllowed)
        }
    }
}
