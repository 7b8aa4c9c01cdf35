package import Base
import Crypto
import FoundationEssentials
import Glibc

/// Encrypts the secrets in a store's records (AES-256-GCM); the key lies beside the database and never in it, so that a copy of
/// the database alone gives no secret away.
package struct SealingKey: Sendable {
    /// The bytes of a key's file.
    package static let size = SymmetricKeySize.bits256.bitCount / 8

    private let key: SymmetricKey

    /// Reads the key file, which the first instance creates; blocks.
    /// - Throws: ``Failure`` when the file cannot be used.
    package init(path: String) throws {
        key = try attempt("use the key in \(path)") {
            if access(path, F_OK) != 0 { try Self.create(path) }
            let bytes = try Data(contentsOf: URL(filePath: path))
            guard bytes.count == Self.size else { throw Failure("a key has 32 bytes") }
            return SymmetricKey(data: bytes)
        }
    }

    /// Encrypts a secret; only the same `context` opens it again, so that nobody can put it into another record.
    /// - Returns: the sealed secret in base 64.
    package func seal(_ secret: SecretValue, for context: String) throws -> SecretValue {
        try attempt("seal a secret of \(context)") {
            let box = try AES.GCM.seal(Data(secret.revealed.utf8), using: key, authenticating: Data(context.utf8))
            guard let combined = box.combined else { throw Failure("the nonce has an unexpected size") }
            return SecretValue(combined.base64EncodedString())
        }
    }

    /// Decrypts a secret.
    /// - Throws: ``Failure`` when it was sealed with another key or for another context.
    package func open(_ sealed: SecretValue, for context: String) throws -> SecretValue {
        try attempt("open a secret of \(context)") {
            guard let combined = Data(base64Encoded: sealed.revealed) else { throw Failure("it is not sealed") }
            let opened = try AES.GCM.open(
                AES.GCM.SealedBox(combined: combined),
                using: key,
                authenticating: Data(context.utf8)
            )
            return SecretValue(String(decoding: opened, as: UTF8.self))
        }
    }

    // Appears whole or not at all, and once: of several instances that start together all use the key of the first.
    private static func create(_ path: String) throws {
        let draft = "\(path).\(HexText.random(bytes: 8))"
        let descriptor = Glibc.open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("create \(draft)") }
        defer {
            close(descriptor)
            unlink(draft)
        }
        let bytes = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        try AtomicFile.writeAll(bytes, to: descriptor, path: draft)
        guard fsync(descriptor) == 0 else { throw SystemError("sync \(draft)") }
        guard link(draft, path) == 0 || errno == EEXIST else { throw SystemError("name the key \(path)") }
        try AtomicFile.syncDirectory(of: path)
    }
}
