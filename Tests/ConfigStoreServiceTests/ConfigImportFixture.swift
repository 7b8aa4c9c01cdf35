import Base
import FoundationEssentials
import Store
import TestSupport

@testable import ConfigStoreService

/// The configstore's store without the service, for exports and imports.
enum ConfigImportFixture {
    static func directory(_ name: String) -> String { "\(TemporaryDirectory.path)/\(name)" }

    static func key(_ name: String = "data") throws -> SealingKey {
        try FileManager.default.createDirectory(atPath: directory(name), withIntermediateDirectories: true)
        return try SealingKey(path: "\(directory(name))/key")
    }

    /// The store that ``ConfigStoreFixture`` serves, or another one.
    static func open(_ name: String = "data") async throws -> ServiceStore {
        try await LocalStore.open(directory: directory(name), projections: [ConfigReadModel()])
    }

    /// Imports a stream into a store that nobody serves; it stays in maintenance.
    @discardableResult
    static func importing(_ stream: [UInt8], into name: String = "data") async throws -> ImportSummary {
        let store = try await open(name)
        _ = try await store.setMaintenance(true)
        let source = try await read(stream, by: store, key(name))
        _ = try await store.authority.replaceAll(with: source, force: false)
        return source.summary
    }

    static func endMaintenance(_ name: String = "data") async throws {
        _ = try await open(name).setMaintenance(false)
    }

    /// Reads a stream in pieces without importing it.
    static func read(_ stream: [UInt8], by store: ServiceStore, _ key: SealingKey) async throws -> ImportSource {
        let intake = try await store.beginImport(ConfigExport.rules(key))
        for start in stride(from: 0, to: stream.count, by: 5000) {
            try await intake.add(Array(stream[start..<min(start + 5000, stream.count)]))
        }
        return try await intake.finish()
    }

    /// Why a stream is refused; nil when it is not.
    static func refusal(of stream: [UInt8], by store: ServiceStore, _ key: SealingKey) async throws -> APIError? {
        do {
            _ = try await read(stream, by: store, key)
            return nil
        } catch {
            guard let refusal = ErrorChain(error).first(APIError.self) else { throw error }
            return refusal
        }
    }

    /// A whole export.
    static func export(_ name: String = "data") async throws -> [UInt8] {
        let export = try await open(name).export(service: ConfigExport.service, types: ConfigExport.types)
        var bytes: [UInt8] = []
        while case let part = try await export.read(at: Int64(bytes.count), count: 1 << 16), !part.isEmpty {
            bytes += part
        }
        return bytes
    }
}
