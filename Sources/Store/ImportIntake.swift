import Base
import Synchronization

/// Takes an export in, piece by piece, and checks it completely; nothing of the store is touched.
///
/// Pieces come one after the other. What was taken in lies in a spool file, so that memory stays constant.
package final class ImportIntake: Sendable {
    private let reader: Mutex<ImportReader>

    fileprivate init(rules: ImportRules, spool: SpoolFile) {
        reader = Mutex(ImportReader(rules: rules, spool: spool))
    }

    /// Takes the next piece.
    /// - Throws: ``APIError`` of kind `badRequest` with code `invalidImport` that names line and byte; ``StoreError``.
    @concurrent package func add(_ bytes: [UInt8]) async throws {
        try await attempt { try $0.add(bytes) }
    }

    /// Checks that the stream is complete.
    /// - Throws: as ``add(_:)``.
    @concurrent package func finish() async throws -> ImportSource {
        try await attempt { try $0.finish() }
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
    /// - Throws: ``StoreError`` of kind unavailable.
    @concurrent package func beginImport(_ rules: ImportRules) async throws -> ImportIntake {
        let directory = store.spoolDirectory
        do {
            let spool = try await BlockingPool.shared.run { try SpoolFile(directory: directory) }
            return ImportIntake(rules: rules, spool: spool)
        } catch let error as SystemError {
            throw StoreError(.unavailable, "begin an import", cause: error)
        }
    }
}
