import Base
import Model
import Store

/// What the service must not forget: which projects hear of which repository, pushes under way, and announcements that
/// nobody has accepted yet.
///
/// A push is committed before git changes anything, and replaced by its deliveries in one commit before the client hears of
/// its success. So a push that was acknowledged is announced, whoever dies in between.
struct Outbox: Sendable {
    /// A project that hears of a repository's pushes.
    private struct Hook: Codable {
        var project: ProjectID
        var sealedSecret: SecretValue
    }

    private let store: ServiceStore
    private let key: SealingKey

    /// Keeps everything in `store`, secrets sealed with `key`.
    init(store: ServiceStore, key: SealingKey) {
        self.store = store
        self.key = key
    }

    // MARK: Hooks

    /// Announces the repository's pushes to a project, from the next one on; replaces the project's former secret.
    func bind(_ repository: RepositoryPath, _ binding: GitHookBinding) async throws {
        let id = Self.id(repository, binding.projectID.text)
        let sealed = try key.seal(binding.secret, for: id)
        var batch = Batch()
        batch.put(
            record: id,
            type: Self.hook,
            try JSONCoding.encode(Hook(project: binding.projectID, sealedSecret: sealed))
        )
        _ = try await store.commit(batch)
    }

    /// Stops announcing to a project; what is on its way is dropped.
    func unbind(_ repository: RepositoryPath, project: ProjectID) async throws {
        var batch = Batch()
        batch.delete(record: Self.id(repository, project.text), type: Self.hook)
        _ = try await store.commit(batch)
    }

    /// The projects that hear of a repository's pushes.
    func projects(of repository: RepositoryPath) async throws -> [ProjectID] {
        try await records(of: repository, type: Self.hook).map {
            try JSONCoding.decode(Hook.self, from: $0.data).project
        }
    }

    /// What a project's deliveries are signed with; nil when it no longer hears of the repository.
    func secret(of project: ProjectID, repository: String) async throws -> SecretValue? {
        let id = "\(repository):\(project)"
        guard let stored = try await store.read({ try $0.record(type: Self.hook, id: id) }) else { return nil }
        return try key.open(try JSONCoding.decode(Hook.self, from: stored.data).sealedSecret, for: id)
    }

    // MARK: Pushes

    /// Writes down a push that is about to be carried out.
    func begin(_ intent: PushIntent) async throws {
        var batch = Batch()
        batch.put(record: "\(intent.repository):\(intent.id)", type: Self.push, try JSONCoding.encode(intent))
        _ = try await store.commit(batch)
    }

    /// Replaces a push by what is to be announced of it.
    func settle(_ intent: PushIntent, _ deliveries: [Delivery]) async throws {
        var batch = Batch()
        let id = "\(intent.repository):\(intent.id)"
        batch.expect(.record(type: Self.push, id: id, .present))
        batch.delete(record: id, type: Self.push)
        for delivery in deliveries {
            batch.put(record: delivery.id, type: Self.delivery, try JSONCoding.encode(delivery))
        }
        _ = try await store.commit(batch)
    }

    /// The pushes to a repository that are not settled.
    func intents(of repository: RepositoryPath) async throws -> [PushIntent] {
        try await records(of: repository, type: Self.push).map { try JSONCoding.decode(PushIntent.self, from: $0.data) }
    }

    /// The repositories with pushes that are not settled.
    func unsettledRepositories() async throws -> Set<RepositoryPath> {
        let ids = try await records(type: Self.push).map(\.id)
        return Set(ids.compactMap { RepositoryPath(String($0.prefix { $0 != ":" })) })
    }

    // MARK: Deliveries

    /// Everything that nobody has accepted yet.
    func pendingDeliveries() async throws -> [Delivery] {
        try await records(type: Self.delivery).map { try JSONCoding.decode(Delivery.self, from: $0.value.data) }
    }

    /// A delivery that is still to be made.
    func delivery(_ id: String) async throws -> Delivery? {
        try await store.read { try $0.record(type: Self.delivery, id: id) }
            .map { try JSONCoding.decode(Delivery.self, from: $0.data) }
    }

    /// Forgets a delivery that was accepted or is not wanted any more.
    func complete(_ id: String) async throws {
        var batch = Batch()
        batch.delete(record: id, type: Self.delivery)
        _ = try await store.commit(batch)
    }

    /// Sets a delivery aside for a person to look at.
    func giveUp(_ delivery: Delivery, because reason: String) async throws {
        var failed = delivery
        failed.failure = reason
        var batch = Batch()
        batch.delete(record: delivery.id, type: Self.delivery)
        batch.put(record: delivery.id, type: Self.failedDelivery, try JSONCoding.encode(failed))
        _ = try await store.commit(batch)
    }

    /// The deliveries that were given up.
    func failedDeliveries() async throws -> [Delivery] {
        try await records(type: Self.failedDelivery).map { try JSONCoding.decode(Delivery.self, from: $0.value.data) }
    }

    /// Forgets hooks and pushes of a repository that is gone.
    func forget(_ repository: RepositoryPath) async throws {
        var batch = Batch()
        for type in [Self.hook, Self.push] {
            let ids = try await records(type: type).map(\.id)
            for id in ids where id.hasPrefix("\(repository):") { batch.delete(record: id, type: type) }
        }
        _ = try await store.commit(batch)
    }

    // MARK: Backup

    /// The lines of a backup; at most `limit` of each kind.
    func backupLines(limit: Int = .max) async throws -> [BackupLine] {
        try await store.read { [key] tx in
            func records(_ type: String) throws -> [(id: String, value: Stored)] {
                var found: [(id: String, value: Stored)] = []
                while found.count < limit {
                    let page = try tx.records(type: type, after: found.last?.id, limit: min(limit, Self.pageSize))
                    found += page
                    if page.count < Self.pageSize { break }
                }
                return found
            }
            func read<Value: Decodable>(_ value: Stored, _ type: Value.Type = Value.self) throws -> Value {
                try JSONCoding.decode(type, from: value.data)
            }
            let hooks = try records(Self.hook).map { id, value in
                let hook = try read(value, Hook.self)
                let secret = try key.open(hook.sealedSecret, for: id)
                let repository = String(id.prefix { $0 != ":" })
                return BackupLine(hook: .init(repository: repository, project: hook.project, secret: secret))
            }
            let pushes = try records(Self.push).map { BackupLine(push: try read($0.value)) }
            let deliveries = try records(Self.delivery).map { BackupLine(delivery: try read($0.value)) }
            let failed = try records(Self.failedDelivery).map { BackupLine(failedDelivery: try read($0.value)) }
            return hooks + pushes + deliveries + failed
        }
    }

    /// Adds what a line of a backup says to a batch.
    func add(_ line: BackupLine, to batch: inout Batch) throws {
        if let hook = line.hook {
            guard let repository = RepositoryPath(hook.repository) else { throw Failure("a hook without a repository") }
            let id = Self.id(repository, hook.project.text)
            let sealed = try key.seal(hook.secret, for: id)
            batch.put(
                record: id,
                type: Self.hook,
                try JSONCoding.encode(Hook(project: hook.project, sealedSecret: sealed))
            )
        }
        if let push = line.push {
            guard let repository = RepositoryPath(push.repository) else { throw Failure("a push without a repository") }
            batch.put(record: Self.id(repository, push.id), type: Self.push, try JSONCoding.encode(push))
        }
        for (type, delivery) in [(Self.delivery, line.delivery), (Self.failedDelivery, line.failedDelivery)] {
            guard let delivery else { continue }
            batch.put(record: delivery.id, type: type, try JSONCoding.encode(delivery))
        }
    }

    /// Commits a batch of such lines.
    func commit(_ batch: Batch) async throws {
        _ = try await store.commit(batch)
    }

    // MARK: Records

    private static let hook = "hook"
    private static let push = "push"
    private static let delivery = "delivery"
    private static let failedDelivery = "failedDelivery"
    private static let pageSize = 500

    // A repository's path holds no colon, so that the part before the first one is the whole path.
    private static func id(_ repository: RepositoryPath, _ rest: String) -> String { "\(repository):\(rest)" }

    private func records(of repository: RepositoryPath, type: String) async throws -> [Stored] {
        let prefix = "\(repository):"
        return try await records(type: type, after: prefix, while: { $0.hasPrefix(prefix) }).map(\.value)
    }

    private func records(
        type: String,
        after start: String? = nil,
        while isWanted: @escaping @Sendable (String) -> Bool = { _ in true }
    ) async throws -> [(id: String, value: Stored)] {
        try await store.read { transaction in
            var found: [(id: String, value: Stored)] = []
            var last = start
            while true {
                let page = try transaction.records(type: type, after: last, limit: Self.pageSize)
                let wanted = page.prefix { isWanted($0.id) }
                found += wanted
                guard wanted.count == Self.pageSize else { return found }
                last = page.last?.id
            }
        }
    }
}
