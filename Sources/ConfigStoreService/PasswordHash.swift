package import Base
import Crypto
import CryptoExtras
package import FoundationEssentials

/// A password as it is stored: what scrypt (RFC 7914) made of it, with the salt and the costs it was made with.
package struct PasswordHash: Codable, Sendable, Equatable {
    /// What one hashing costs.
    package struct Cost: Codable, Sendable, Equatable {
        /// scrypt's N, a power of two: time and memory grow with it.
        package let rounds: Int
        /// scrypt's r: memory is 128 · rounds · blockSize bytes.
        package let blockSize: Int
        /// scrypt's p: time grows with it.
        package let parallelism: Int

        /// Sets the costs.
        package init(rounds: Int, blockSize: Int, parallelism: Int) {
            self.rounds = rounds
            self.blockSize = blockSize
            self.parallelism = parallelism
        }

        /// 32 MiB and 50 to 100 ms on the machines of 2020 to 2026; two hashings at once stay within 64 MiB.
        package static let standard = Cost(rounds: 1 << 15, blockSize: 8, parallelism: 1)
    }

    private static let saltSize = 16
    private static let keySize = 32

    /// The costs the key was derived with.
    package let cost: Cost
    /// Random bytes of this hash alone.
    package let salt: Data
    /// The derived key.
    package let key: Data

    /// Hashes a password with a fresh salt; takes as long as `cost` says.
    /// - Throws: ``Failure`` when the password is empty, the costs are out of range or memory is short.
    package init(of password: SecretValue, cost: Cost = .standard) throws {
        var generator = SystemRandomNumberGenerator()
        let salt = Data((0..<Self.saltSize).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        self.cost = cost
        self.salt = salt
        key = try Self.derive(password, salt: salt, cost: cost).withUnsafeBytes { Data($0) }
    }

    /// Whether `password` is the one that was hashed; takes as long for a wrong password as for the right one.
    /// - Throws: ``Failure`` when the password is empty or memory is short.
    package func matches(_ password: SecretValue) throws -> Bool {
        // Symmetric keys compare in constant time.
        try Self.derive(password, salt: salt, cost: cost) == SymmetricKey(data: key)
    }

    private static func derive(_ password: SecretValue, salt: Data, cost: Cost) throws -> SymmetricKey {
        // An empty array may have no address, which the C function below would not survive.
        guard !password.revealed.isEmpty else { throw Failure("an empty password cannot be hashed") }
        return try attempt("derive a key from a password with \(cost)") {
            try KDF.Scrypt.deriveKey(
                from: Array(password.revealed.utf8),
                salt: salt,
                outputByteCount: keySize,
                rounds: cost.rounds,
                blockSize: cost.blockSize,
                parallelism: cost.parallelism
            )
        }
    }
}
