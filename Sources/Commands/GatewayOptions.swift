import ArgumentParser
import Base
import FoundationEssentials
import GatewayClient
import HTTPTransport

/// The options of every command that speaks to a server.
struct GatewayOptions: ParsableArguments {
    @Option(
        name: [.customLong("gateway-url"), .customShort("u")],
        help: "The server's address. (default: MARTLET_GATEWAY_URL, the last login's, http://localhost:8000)"
    )
    var gatewayURL: String?

    @Option(
        help: "A user's token or the admin token. (default: MARTLET_TOKEN, the last login's if it was for this server)"
    )
    var token: String?

    @Option(
        help: "A file that holds the token, such as keys/gateway-admin-token. (default: MARTLET_TOKEN_FILE)"
    )
    var tokenFile: String?

    @Flag(
        name: [.customLong("detailed-errors"), .customLong("debug"), .customShort("d")],
        help: "Show how an error came about."
    )
    var detailedErrors = false

    /// The server to speak to.
    func url() throws -> String {
        let terminal = Terminal.current
        if let url = gatewayURL ?? terminal.environment["MARTLET_GATEWAY_URL"], !url.isEmpty {
            return Self.trimmed(url)
        }
        return try StoredLogin.read(terminal.environment)?.gatewayURL ?? "http://localhost:8000"
    }

    /// The server, for a caller without credentials.
    func anonymousGateway() throws -> Gateway {
        try Gateway(url: try url(), client: try HTTPClient())
    }

    /// The server, for whoever is signed in.
    func gateway() throws -> Gateway {
        let url = try url()
        return try Gateway(
            url: url,
            credentials: try token(for: url).map { .token($0) } ?? .none,
            client: try HTTPClient()
        )
    }

    /// The token to use; the stored one goes to no server but its own.
    /// - Throws: ``CommandFailure`` when the stored login is broken.
    func token(for url: String) throws -> SecretValue? {
        let environment = Terminal.current.environment
        if let token, !token.isEmpty { return SecretValue(token) }
        if let tokenFile { return try Self.token(in: tokenFile) }
        if let token = environment["MARTLET_TOKEN"], !token.isEmpty { return SecretValue(token) }
        if let file = environment["MARTLET_TOKEN_FILE"], !file.isEmpty { return try Self.token(in: file) }
        guard let login = try StoredLogin.read(environment), login.gatewayURL == url else { return nil }
        return login.token
    }

    private static func token(in file: String) throws -> SecretValue {
        let path = Terminal.current.path(file)
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw CommandFailure("the token file \(path) cannot be read")
        }
        let token = text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
        guard !token.isEmpty else { throw CommandFailure("there is no token in \(path)") }
        return SecretValue(token)
    }

    private static func trimmed(_ url: String) -> String {
        var url = url
        while url.hasSuffix("/") { url.removeLast() }
        return url
    }
}

/// A command that speaks to a server.
protocol GatewayCommand: AsyncParsableCommand {
    var options: GatewayOptions { get }
    /// Does the command's work.
    func perform() async throws
}

extension GatewayCommand {
    /// Does the work and explains what goes wrong.
    mutating func run() async throws {
        do {
            try await perform()
        } catch let error where !(error is ExitCode || error is ValidationError || error is CancellationError) {
            // The address only helps the explanation.
            throw CommandFailure(explaining: error, gateway: try? options.url(), isDetailed: options.detailedErrors)
        }
    }
}
