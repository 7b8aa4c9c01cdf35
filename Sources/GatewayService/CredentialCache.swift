import Base
import Crypto
import FoundationEssentials
import Model
import Synchronization

/// Remembers for a few seconds whom a credential belongs to, so that the requests of one git push or page need one look-up.
///
/// Credentials are kept only as keyed hashes. A credential that was withdrawn through this gateway is forgotten at once; one that
/// was withdrawn elsewhere stays good for as long as it is remembered, which is why that is short. Refusals are not remembered.
final class CredentialCache: Sendable {
    /// What proves who somebody is; what was remembered of one kind is never found as another.
    enum Credential {
        case token(String)
        case password(String, ofUser: String)
        case session(UserID)

        fileprivate var parts: [String] {
            switch self {
            case .token(let token): ["token", token]
            case .password(let password, let name): ["password", name, password]
            case .session(let user): ["session", user.text]
            }
        }
    }

    private struct Entry {
        let user: User
        let until: ContinuousClock.Instant
    }

    private struct State {
        var entries: [Data: Entry] = [:]
        var forgotten = 0
    }

    private static let lifetime: Duration = .seconds(5)
    private static let limit = 10_000

    private let key = SymmetricKey(size: .bits256)
    private let state = Mutex(State())

    /// The remembered user of a credential, or the one that `find` finds.
    func value(for credential: Credential, find: () async throws -> User?) async throws -> User? {
        let hash = hash(credential)
        let now = ContinuousClock.now
        let (entry, forgotten) = state.withLock { ($0.entries[hash], $0.forgotten) }
        if let entry, entry.until > now { return entry.user }
        guard let user = try await find() else { return nil }
        state.withLock { state in
            // What was found before everything was forgotten may be out of date.
            guard state.forgotten == forgotten else { return }
            if state.entries.count >= Self.limit { state.entries = state.entries.filter { $0.value.until > now } }
            if state.entries.count >= Self.limit { state.entries = [:] }
            state.entries[hash] = Entry(user: user, until: now + Self.lifetime)
        }
        return user
    }

    /// Forgets everything, because some credential is good no longer.
    func forgetAll() {
        state.withLock { state in
            state.entries = [:]
            state.forgotten += 1
        }
    }

    // With the length of each part, so that no part can pretend to be two.
    private func hash(_ credential: Credential) -> Data {
        var code = HMAC<SHA256>(key: key)
        for part in credential.parts {
            code.update(data: Data("\(part.utf8.count):".utf8))
            code.update(data: Data(part.utf8))
        }
        return Data(code.finalize())
    }
}
