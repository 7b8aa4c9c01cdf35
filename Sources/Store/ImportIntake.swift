import Base
import Synchronization

/// Takes an export in, piece by piece, and checks it completely; nothing of the store is touched.
///
/// Pieces come one after the other. What was taken in lies in a spool file, so that memory stays constant.
package final class ImportIntake: Sendable {
    private let reader: Mutex<ImportReader>
    private let pending = Mutex<[UInt8]>([])
    private let gathering: Int
    private let lane: any ImportLane

    fileprivate init(rules: ImportRules, spool: SpoolFile, gathering: Int) {
        reader = Mutex(ImportReader(rules: rules, spool: spool))
        lane = Self.lane(for: rules.makeCheck())
        self.gathering = gathering
    }

    private static func lane(for check: some RecordCheck) -> any ImportLane { CheckLane(check) }

    /// Takes the next piece.
    /// - Throws: ``APIError`` of kind `badRequest` with code `invalidImport` that names line and byte; ``StoreError``.
    @concurrent package func add(_ bytes: [UInt8]) async throws {
        let isEnough = pending.withLock { pending in
            pending += bytes
            return pending.count >= gathering
        }
        if isEnough { try await readPending() }
    }

    /// Checks that the stream is complete.
    /// - Throws: as ``add(_:)``.
    @concurrent package func finish() async throws -> ImportSource {
        try await readPending()
        try await keep(try await attempt { $0.cutRest() })
        return try await attempt { [lane] in try $0.finish(lane) }
    }

    private func readPending() async throws {
        let bytes = pending.withLock { pending in
            defer { pending = [] }
            return pending
        }
        try await keep(try await attempt { $0.cut(bytes) })
    }

    private func keep(_ batch: ImportBatch) async throws {
        let checks = try await lane.read(batch.records.map(\.record))
        try await attempt { reader in
            for (placed, check) in zip(batch.records, checks) { try reader.keep(placed, after: check) }
            if let refusal = batch.refusal { throw refusal }
        }
    }

    private func attempt<Value: Sendable>(
        _ body: @escaping @Sendable (inout ImportReader) throws -> Value
    ) async throws -> Value {
        do {
            return try await BlockingPool.shared.run { [self] in try reader.withLock { try body(&$0) } }
        } catch let error as SystemError {
            throw StoreError(.unavailable, "take an import in", cause: error)
        }
    }
}

/// A complete and valid import, ready to replace a store's content.
package final class ImportSource: Sendable {
    /// The service that it is for.
    package let service: String
    /// What it holds.
    package let summary: ImportSummary
    let records: StagedRecords

    init(service: String, summary: ImportSummary, records: StagedRecords) {
        self.service = service
        self.summary = summary
        self.records = records
    }
}

extension ServiceStore {
    /// Starts to take an import in; possible in any mode.
    /// - Parameters:
    ///   - rules: what is accepted.
    ///   - gathering: as many bytes are put together before they are read, so that there are records enough to read several at once.
    /// - Returns: what takes the stream.
    /// - Throws: ``StoreError`` of kind unavailable.
    @concurrent package func beginImport(_ rules: ImportRules, gathering: Int = 1 << 19) async throws -> ImportIntake {
        let directory = store.spoolDirectory
        do {
            let spool = try await BlockingPool.shared.run { try SpoolFile(directory: directory) }
            return ImportIntake(rules: rules, spool: spool, gathering: gathering)
        } catch let error as SystemError {
            throw StoreError(.unavailable, "begin an import", cause: error)
        }
    }
}
