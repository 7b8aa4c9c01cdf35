import ArgumentParser
import Base
import GatewayClient
import HTTPTransport

/// How the program ends; the numbers are part of its contract.
enum Outcome: Int32 {
    /// Done.
    case success = 0
    /// The server or git refused, or something went wrong.
    case failure = 1
    /// The run that was followed did not succeed.
    case runFailed = 2
    /// A file is damaged, or not what it should be (`EX_DATAERR`).
    case damaged = 65
    /// The server cannot be reached (`EX_UNAVAILABLE`).
    case unreachable = 69
    /// The server has something else to do now (`EX_TEMPFAIL`).
    case notNow = 75
    /// Nobody has signed in, or not somebody who may (`EX_NOPERM`).
    case notAllowed = 77

    var exitCode: ExitCode { ExitCode(rawValue) }

    static let explanation = """
        EXIT STATUS
          0   done; for runs that are followed: they succeeded
          1   the server or git refused, or something went wrong
          2   a run that was followed did not succeed
          64  the command line is wrong
          65  a backup is damaged
          69  the server cannot be reached
          75  the service is in maintenance, starting, or not yet in the mode that was waited for; try again later
          77  you are not signed in, or may not do this
        """
}

/// An error that a command explains to the person who called it.
struct CommandFailure: Error, CustomStringConvertible {
    let message: String
    let outcome: Outcome

    init(_ message: String, _ outcome: Outcome = .failure) {
        self.message = message
        self.outcome = outcome
    }

    var description: String { message }

    /// Says what to do about an error of any kind.
    init(explaining error: any Error, gateway: String?, isDetailed: Bool) {
        let chain = ErrorChain(error)
        let message: String
        if let failure = error as? CommandFailure {
            self = failure
            return
        } else if let refusal = chain.first(Gateway.Refusal.self) {
            outcome =
                switch refusal.status {
                case 401, 403: .notAllowed
                case 503: .notNow
                default: .failure
                }
            let signIn = " Sign in with “martlet login”, or set --token-file or MARTLET_TOKEN."
            let advice = refusal.status == 401 ? signIn : ""
            message = Self.sentence(refusal.linkMessage) + advice
        } else if let transport = chain.first(HTTPTransportError.self) {
            outcome = transport.kind == .badURL ? .failure : .unreachable
            let server = gateway ?? "the server"
            message = """
                cannot reach \(server): \(transport.message). Is it running? \
                Name another one with --gateway-url or MARTLET_GATEWAY_URL.
                """
        } else {
            outcome = .failure
            message = chain.message
        }
        self.message = isDetailed ? ([message] + chain.details.map { "  \($0)" }).joined(separator: "\n") : message
    }

    private static func sentence(_ text: String) -> String {
        text.hasSuffix(".") ? text : text + "."
    }
}
