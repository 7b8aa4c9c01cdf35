import Crypto
import FoundationEssentials
import Model
import Synchronization

/// Remembers for a few seconds whom a credential belongs to, so that the requests of one git push or page need one look-up.
///
/// Credentials are kept only as keyed hashes. A credential that was withdrawn stays good for as long as it is remembered, which is
/// why that is short. Refusals are not remembered.
final class CredentialCache: Sendable {
    private struct Entry {
        let user: User
        let until: ContinuousClock.Instant
    }

    private static let lifetime: Duration = .seconds(5)
    private static let limit = 10_000

    private let key = SymmetricKey(size: .bits256)
    private let entries = Mutex<[Data: Entry]>([:])

    /// The remembered user of a credential, or the one that `find` finds.
    func value(for credential: String, find: () async throws -> User?) async throws -> User? {
        let hash = Data(HMAC<SHA256>.authenticationCode(for: Data(credential.utf8), using: key))
        let now = ContinuousClock.now
        if let entry = entries.withLock({ $0[hash] }), entry.until > now { return entry.user }
        guard let user = try await find() else { return nil }
        entries.withLock { entries in
            if entries.count >= Self.limit { entries = entries.filter { $0.value.until > now } }
            if entries.count >= Self.limit { entries = [:] }
            entries[hash] = Entry(user: user, until: now + Self.lifetime)
        }
        return user
    }
}
