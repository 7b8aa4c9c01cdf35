import Base
import FoundationEssentials

extension EmbeddedAuthority {
    /// How long an import may keep the lock without a sign of life.
    private static let lockTime: Duration = .seconds(60)

    /// The file that keeps what the last import replaced.
    package static let replacedContent = "replaced.export"

    /// Replaces all records by those of a validated import, in one step.
    @concurrent package func replaceAll(with source: ImportSource, force: Bool) async throws -> StoreIdentity {
        do {
            return try await withLock(Replacement.lock, ttl: Self.lockTime, wait: false) { [self] handle in
                try await replaceAll(with: source, force: force, under: handle)
            }
        } catch let error as StoreError where error.kind == .locked {
            throw StoreError.importUnderWay(error)
        }
    }

    private func replaceAll(
        with source: ImportSource,
        force: Bool,
        under handle: LockHandle
    ) async throws -> StoreIdentity {
        guard try await store.read({ try $0.maintenance() }).isWanted else { throw StoreError.notInMaintenance() }
        if !force { try await expectInstancesReady() }
        try await keepContent(of: source.service)
        let replacement = Replacement(projections: projections, handle: handle)
        let revision = try await queue.run { try replacement.begin($0) }
        try await stage(source.records, revision: revision, replacement)
        for index in try await queue.run({ try replacement.indexes($0) }) {
            try await queue.run { try replacement.build(index: index, revision: revision, $0) }
        }
        return try await exchange(replacement)
    }

    private func expectInstancesReady() async throws {
        let late = try await instances().filter { $0.mode != .maintenance }
        guard late.isEmpty else { throw StoreError.instancesNotReady(late) }
    }

    /// Whoever imported the wrong file imports this one.
    private func keepContent(of service: String) async throws {
        let export = try await ServiceStore.export(service: service, types: [], of: self, from: store)
        let path = "\(store.directory)/\(Self.replacedContent)"
        do {
            try await BlockingPool.shared.run { try export.copy(to: path) }
        } catch let error as SystemError {
            throw StoreError(.unavailable, "keep the content that an import replaces", cause: error)
        }
    }

    /// Writes the records part by part; while one is written, the next is read and prepared.
    private func stage(_ records: StagedRecords, revision: Revision, _ replacement: Replacement) async throws {
        var part = try await prepare(records, at: 0, replacement)
        while let current = part {
            async let next = prepare(records, at: current.next, replacement)
            try await queue.run { try replacement.add(current.records, current.effects, revision: revision, $0) }
            part = try await next
        }
    }

    private func prepare(
        _ records: StagedRecords,
        at offset: Int64,
        _ replacement: Replacement
    ) async throws -> (records: [ImportedRecord], effects: [ProjectedEffect], next: Int64)? {
        do {
            let part = try await BlockingPool.shared.run { try records.records(at: offset) }
            guard let part else { return nil }
            return (part.records, try await replacement.effects(of: part.records), part.next)
        } catch let error as SystemError {
            throw StoreError(.unavailable, "read an import's spool file", cause: error)
        }
    }

    private func exchange(_ replacement: Replacement) async throws -> StoreIdentity {
        let now = Int64(Date().timeIntervalSince1970)
        let identity = try await queue.run { tx in
            try replacement.exchange(now: now, tx)
            return StoreIdentity(tx.meta)
        }
        // The import is done, whatever becomes of this: the next opening drops it, too.
        while try await queue.run({ tx in
            tx.touch()
            return try Replacement.dropLeftover(tx.db)
        }) {}
        return identity
    }
}
