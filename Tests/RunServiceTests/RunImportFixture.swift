import Base
import FoundationEssentials
import RunService
import Store
import TestSupport

/// The runservice's store without the service, for exports and imports.
enum RunImportFixture {
    /// The store that ``RunServiceFixture`` serves, or another one.
    static func open(_ name: String = "runservice") async throws -> ServiceStore {
        try await LocalStore.open(directory: "\(TemporaryDirectory.path)/\(name)", projections: [RunReadModel()])
    }

    /// Imports a stream into a store that nobody serves.
    @discardableResult
    static func importing(_ stream: [UInt8], into name: String = "runservice") async throws -> ImportSummary {
        let store = try await open(name)
        _ = try await store.setMaintenance(true)
        let source = try await read(stream, by: store)
        _ = try await store.authority.replaceAll(with: source, force: false)
        let reopened = try await open(name)
        _ = try await reopened.setMaintenance(false)
        return source.summary
    }

    /// Reads a stream in pieces without importing it.
    static func read(_ stream: [UInt8], by store: ServiceStore) async throws -> ImportSource {
        let intake = try await store.beginImport(RunExport.rules)
        for start in stride(from: 0, to: stream.count, by: 5000) {
            try await intake.add(Array(stream[start..<min(start + 5000, stream.count)]))
        }
        return try await intake.finish()
    }

    /// Why a stream is refused; nil when it is not.
    static func refusal(of stream: [UInt8], by store: ServiceStore) async throws -> APIError? {
        do {
            _ = try await read(stream, by: store)
            return nil
        } catch {
            guard let refusal = ErrorChain(error).first(APIError.self) else { throw error }
            return refusal
        }
    }

    /// A whole export.
    static func export(_ name: String = "runservice") async throws -> [UInt8] {
        let export = try await open(name).export(service: RunExport.service, types: RunExport.types)
        var bytes: [UInt8] = []
        while case let part = try await export.read(at: Int64(bytes.count), count: 1 << 16), !part.isEmpty {
            bytes += part
        }
        return bytes
    }
}
