import Base

extension LocalStore {
    /// Opens the store in `directory` for the embedded profile; creates both when they do not exist.
    ///
    /// Projections whose version changed are derived again before it returns.
    /// - Throws: ``StoreError``: newerSchema, corrupted, unavailable (also on network file systems), locked, invalid.
    @concurrent package static func open(
        directory: String,
        projections: [any Projection],
        options: StoreOptions = StoreOptions()
    ) async throws -> ServiceStore {
        try Task.checkCancellation()
        return try await withCheckedThrowingContinuation { continuation in
            do {
                try NamedThread.start(name: "store-open") {
                    continuation.resume(with: Result { try openNow(directory, projections, options) })
                }
            } catch {
                continuation.resume(throwing: StoreError(.unavailable, "open the store in \(directory)", cause: error))
            }
        }
    }
}

/// Opens the store on the calling thread; whatever goes wrong is a ``StoreError``.
private func openNow(
    _ directory: String,
    _ projections: [any Projection],
    _ options: StoreOptions
) throws -> ServiceStore {
    do {
        return try EmbeddedOpening(directory, projections, options).open()
    } catch let error as StoreError {
        throw error
    } catch {
        throw StoreError(.unavailable, "open the store in \(directory)", cause: error)
    }
}
