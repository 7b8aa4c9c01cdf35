import Base
import Crypto
import FoundationEssentials
import Glibc

/// Encrypts what the store keeps of other people's secrets; the key lies beside the database, never in it.
struct SealingKey: Sendable {
    private let key: SymmetricKey

    /// Reads the key file, or creates it when the service is new.
    /// - Throws: ``Failure`` when the file cannot be used.
    init(path: String) throws {
        key = try attempt("use the key \(path)") {
            if access(path, F_OK) != 0 { try Self.create(path) }
            let bytes = try Data(contentsOf: URL(filePath: path))
            guard bytes.count == 32 else { throw Failure("the file must hold 32 bytes") }
            return SymmetricKey(data: bytes)
        }
    }

    /// Encrypts a secret; `context` must be given again to open it.
    func seal(_ secret: SecretValue, context: String) throws -> Data {
        try attempt("seal a secret") {
            let box = try AES.GCM.seal(Data(secret.revealed.utf8), using: key, authenticating: Data(context.utf8))
            guard let combined = box.combined else { throw Failure("the nonce has an unexpected size") }
            return combined
        }
    }

    /// Decrypts a secret.
    /// - Throws: ``Failure`` when the bytes were sealed with another key or for another context.
    func open(_ sealed: Data, context: String) throws -> SecretValue {
        try attempt("open the secret of \(context)") {
            let box = try AES.GCM.SealedBox(combined: sealed)
            return SecretValue(
                String(decoding: try AES.GCM.open(box, using: key, authenticating: Data(context.utf8)), as: UTF8.self)
            )
        }
    }

    // Complete or absent: a key that was half written would lock out what is sealed with it later.
    private static func create(_ path: String) throws {
        let draft = "\(path).\(getpid())"
        let bytes = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        let descriptor = Glibc.open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("create \(draft)") }
        defer { close(descriptor) }
        guard write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            throw SystemError("write \(draft)")
        }
        guard rename(draft, path) == 0 else { throw SystemError("put \(draft) in its place") }
    }
}
