import Base
import FoundationEssentials
import Model
import Store

extension Outbox {
    /// One line of what a backup holds of the outbox; secrets are open, because the key they are sealed with stays here.
    struct BackupLine: Codable, Sendable {
        /// A project that hears of a repository's pushes.
        struct Hook: Codable, Sendable {
            var repository: String
            var project: ProjectID
            var secret: SecretValue
        }

        var hook: Hook?
        var push: PushIntent?
        var delivery: Delivery?
        var failedDelivery: Delivery?
    }

    private static let linesInBatch = 200

    /// Whether nothing is on record.
    func isEmpty() async throws -> Bool {
        try await backupLines(limit: 1).isEmpty
    }

    /// Everything on record, as lines of JSON.
    func backup() async throws -> [UInt8] {
        var text: [UInt8] = []
        for line in try await backupLines() { text += Array(try JSONCoding.encode(line)) + [UInt8(ascii: "\n")] }
        return text
    }

    /// Puts lines back on record; those that are there already are replaced.
    /// - Throws: ``APIError`` of kind `badRequest` with code `invalidOutbox` that names the line.
    func restore(_ text: [UInt8]) async throws {
        var batch = Batch()
        var count = 0
        for (index, line) in text.split(separator: UInt8(ascii: "\n")).enumerated() {
            do {
                try add(try JSONCoding.decode(BackupLine.self, from: line), to: &batch)
            } catch {
                let message = "Line \(index + 1) of the outbox is none."
                throw APIError(.badRequest, code: "invalidOutbox", message, cause: error)
            }
            count += 1
            guard count == Self.linesInBatch else { continue }
            try await commit(batch)
            (batch, count) = (Batch(), 0)
        }
        if count > 0 { try await commit(batch) }
    }
}
