import Base
import Synchronization

/// Hashes and checks passwords off Swift's own pool: two at a time, and only so many in line.
///
/// A check costs the same whether the user exists or not: where there is no hash, one that nobody knows the password of is
/// checked instead.
final class PasswordHashing: Sendable {
    private struct State {
        var inLine = 0
        var done = 0
    }

    private static let threads = 2
    /// At most some three seconds of waiting; whoever comes then is told to try later, so that a flood ends by itself.
    private static let maximumInLine = 64

    private let cost: PasswordHash.Cost
    let decoy: PasswordHash
    private let pool: BlockingPool
    private let state = Mutex(State())

    /// Prepares the decoy, which takes as long as one hashing.
    /// - Throws: ``Failure`` or ``SystemError`` when threads or memory are short.
    @concurrent init(cost: PasswordHash.Cost = .standard) async throws {
        self.cost = cost
        let pool = BlockingPool(name: "password", threads: Self.threads)
        self.pool = pool
        decoy = try await pool.run {
            try PasswordHash(of: SecretValue(HexText.random(bytes: 32)), cost: cost)
        }
    }

    /// Hashes a new password.
    /// - Throws: ``APIError`` of kind unavailable when too many hashings wait; ``Failure`` when memory is short.
    @concurrent func hash(_ password: SecretValue) async throws -> PasswordHash {
        let cost = cost
        return try await inLine { try PasswordHash(of: password, cost: cost) }
    }

    /// Whether `password` is the one that `hash` was made of; without a hash no password is.
    /// - Throws: ``APIError`` of kind unavailable when too many hashings wait; ``Failure`` when memory is short.
    @concurrent func matches(_ password: SecretValue, _ hash: PasswordHash?) async throws -> Bool {
        let checked = hash ?? decoy
        let isEqual = try await inLine { try checked.matches(password) }
        return isEqual && hash != nil
    }

    /// Whether `hash` was made with other costs than new ones are.
    func isOutdated(_ hash: PasswordHash) -> Bool { hash.cost != cost }

    /// How many passwords were hashed or checked so far.
    var count: Int { state.withLock { $0.done } }

    private func inLine<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        let isFull = state.withLock { state in
            guard state.inLine < Self.maximumInLine else { return true }
            state.inLine += 1
            return false
        }
        guard !isFull else {
            throw APIError(.unavailable, "Too many people are signing in right now. Try again in a few seconds.")
        }
        defer { state.withLock { $0.inLine -= 1 } }
        let value = try await pool.run(work)
        state.withLock { $0.done += 1 }
        return value
    }
}
