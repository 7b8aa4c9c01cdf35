import Base
import FoundationEssentials
import Model

/// Short-lived tokens by which a run fetches its own repository and nothing else.
struct CloneCredentials: Sendable {
    /// The user name that git sends with such a token.
    static let userName = "run"
    /// The variable that carries the token to the clone step.
    static let variable = "MARTLET_GIT_TOKEN"
    private static let purpose = "clone"
    private static let repositoryAnnotation = "MARTLET_REPOSITORY_PATH"

    private let signer: SignedValue
    private let lifetime: TimeInterval
    private let now: @Sendable () -> Date

    init(key: SecretValue, lifetime: Duration, now: @escaping @Sendable () -> Date = { Date() }) {
        signer = SignedValue(key: key)
        self.lifetime = TimeInterval(lifetime.components.seconds)
        self.now = now
    }

    /// A token for reading one repository, named as in the clone URL without `.git`.
    func token(for repository: String) throws -> SecretValue {
        let expires = now().addingTimeInterval(lifetime)
        return SecretValue(try signer.sign(repository, purpose: Self.purpose, expires: expires))
    }

    /// Whether a token allows reading the repository now.
    func allows(_ token: String, reading repository: String) -> Bool {
        signer.verify(token, purpose: Self.purpose, now: now(), as: String.self)?.payload == repository
    }

    /// The variables and secrets of a run on a repository.
    func forRun(on repository: String) throws -> (environment: [String: String], secrets: [SecretValue]) {
        let token = try token(for: repository)
        return ([Self.variable: token.revealed, Self.repositoryAnnotation: repository], [token])
    }

    /// A fresh token for a run that is started again long after its first one has expired.
    func forRestart(of definition: RunDefinition) throws -> (environment: [String: String], secrets: [SecretValue]) {
        guard let repository = definition.staticEnvironment[Self.repositoryAnnotation] else { return ([:], []) }
        return try forRun(on: repository)
    }
}
