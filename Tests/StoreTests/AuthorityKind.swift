import Base
import Foundation
import Store
import TestSupport
import Testing

/// The authorities that the contracts are tested against.
enum AuthorityKind: String, CaseIterable, CustomTestStringConvertible {
    case embedded

    var testDescription: String { rawValue }

    /// Opens a store of the kind in the test's directory.
    func open(
        _ projections: [any Projection] = [],
        options: StoreOptions = StoreOptions()
    ) async throws -> ServiceStore {
        switch self {
        case .embedded:
            try await LocalStore.open(directory: TemporaryDirectory.path, projections: projections, options: options)
        }
    }
}

/// The kind of store error that `body` throws; nil when it throws none.
func kind(_ body: () async throws -> Void) async -> StoreError.Kind? {
    do {
        try await body()
        return nil
    } catch {
        return StoreError.kind(of: error)
    }
}

extension Batch {
    /// A batch from a few steps.
    static func of(_ build: (inout Batch) throws -> Void) rethrows -> Batch {
        var batch = Batch()
        try build(&batch)
        return batch
    }
}

extension Data {
    /// UTF-8 bytes.
    init(_ text: String) { self.init(text.utf8) }

    var text: String { String(decoding: self, as: UTF8.self) }
}

/// Runs `body` beside something long-lived, which is cancelled afterwards.
func beside(_ service: @escaping @Sendable () async throws -> Void, _ body: () async throws -> Void) async throws {
    try await withThrowingTaskGroup { group in
        group.addTask { do { try await service() } catch is CancellationError {} }
        try await body()
        group.cancelAll()
        try await group.waitForAll()
    }
}
