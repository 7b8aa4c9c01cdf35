import Base
import Model
import Store
import Synchronization

/// What the configstore knows and how it may change: users, tokens, the tree of projects, remote sources.
///
/// Every operation is one read or one commit. Changes are decided on what one transaction shows and commit only if that still
/// holds; otherwise they are decided again. Refusals are ``APIError``s with the codes of the public contract.
struct ConfigStore: Sendable {
    /// How often a change is decided again when others are faster; contention on one name ends after one round.
    private static let maxAttempts = 12

    let passwords: PasswordHashing
    private let store: ServiceStore
    private let sealing: SealingKey

    /// Opens the store in `directory`, creating it, its key and the remote source `local` when they do not exist.
    /// - Throws: ``Failure`` naming the directory.
    @concurrent static func open(
        directory: String,
        passwordCost: PasswordHash.Cost = .standard
    ) async throws -> ConfigStore {
        let store = try await openStore(in: directory)
        return try await begin(on: store, in: directory, passwords: try await PasswordHashing(cost: passwordCost))
    }

    /// Where the key of the secrets lies.
    static func keyPath(in directory: String) -> String { "\(directory)/key" }

    /// The key of the secrets, made when there is none.
    /// - Throws: ``SystemError`` or ``Failure`` naming the file.
    @concurrent static func sealingKey(in directory: String) async throws -> SealingKey {
        try await BlockingPool.shared.run { try SealingKey(path: keyPath(in: directory)) }
    }

    /// Opens the records alone.
    /// - Throws: ``Failure`` naming the directory.
    @concurrent static func openStore(in directory: String) async throws -> ServiceStore {
        try await attempt("open the config store in \(directory)") {
            try await LocalStore.open(directory: directory, projections: [ConfigReadModel()])
        }
    }

    /// Creates the key and the remote source `local` in an open store unless they exist, and refuses a wrong key.
    /// - Throws: ``Failure`` naming the directory.
    @concurrent static func begin(
        on store: ServiceStore,
        in directory: String,
        passwords: PasswordHashing
    ) async throws -> ConfigStore {
        try await attempt("begin to work on the config store in \(directory)") {
            let sealing = try await sealingKey(in: directory)
            let config = ConfigStore(passwords: passwords, store: store, sealing: sealing)
            try await config.checkKey()
            try await config.createLocalSource()
            return config
        }
    }

    /// What an import into this store must be like.
    var importRules: ImportRules { ConfigExport.rules(sealing) }

    /// Reads from one consistent view.
    func read<Value: Sendable>(
        _ what: @autoclosure () -> String,
        file: String = #fileID,
        line: Int = #line,
        _ body: @escaping @Sendable (ConfigView) throws -> Value
    ) async throws -> Value {
        try await attempt(what(), file: file, line: line) {
            try await store.read { tx in try body(ConfigView(tx: tx, sealing: sealing)) }
        }
    }

    /// Decides a change on a consistent view and commits it; decides again when others changed what it relies on.
    ///
    /// The body has no side effects but those on the change, as it may run several times; what its last run returned is
    /// returned.
    @discardableResult
    func change<Value: Sendable>(
        _ what: @autoclosure () -> String,
        file: String = #fileID,
        line: Int = #line,
        _ body: @escaping @Sendable (inout ConfigChange) throws -> Value
    ) async throws -> Value {
        try await attempt(what(), file: file, line: line) {
            let decided = Decided<Value>()
            _ = try await store.update(maxAttempts: Self.maxAttempts) { tx in
                var change = ConfigChange(view: ConfigView(tx: tx, sealing: sealing))
                let value = try body(&change)
                decided.value.withLock { $0 = value }
                return change.batch
            }
            guard let value = decided.value.withLock({ $0 }) else {
                throw Failure("a change was committed without being decided")
            }
            return value
        }
    }
}

/// Carries the last decision out of the transaction.
private final class Decided<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
}
