/// Where a service keeps its objects.
package struct ObjectStorageConfiguration: Sendable {
    /// A kind of storage that users can choose.
    package enum Place: Sendable {
        /// A directory of this host, or one that several share.
        case posix(path: String)
        /// A bucket.
        case s3(S3Configuration)
    }

    /// What holds the objects.
    package var place: Place
    /// What their names begin with there, so that services can share it; nil for nothing.
    package var basePath: String?

    /// Chooses a place.
    package init(place: Place, basePath: String? = nil) {
        self.place = place
        self.basePath = basePath
    }

    /// Chooses a directory.
    package init(path: String) {
        self.init(place: .posix(path: path))
    }

    /// Opens the store.
    /// - Throws: ``ObjectStorageError`` of kind unavailable.
    @concurrent package func open() async throws -> any ObjectStore {
        let store: any ObjectStore =
            switch place {
            case .posix(let path): try await PosixStore.open(path: path)
            case .s3(let s3): try await S3Store.open(s3, prefix: basePath.map { $0 + "/" } ?? "")
            }
        return try basePath.map { try BasePathStore(store, path: $0) } ?? store
    }
}
