import Base
import Model

extension ConfigStore {
    /// All remote sources in the order of their names.
    func remoteSources() async throws -> [RemoteSource] {
        try await read("list remote sources") { try $0.remoteSources() }
    }

    /// A remote source by id or name.
    func remoteSource(_ reference: String) async throws -> RemoteSource {
        try await read("read remote source \(reference)") { try $0.requiredRemoteSource(reference).value }
    }

    /// Creates the remote source that stands for Martlet's own accounts and repositories, unless it exists.
    ///
    /// In maintenance nothing can be written, so nothing is tried when nothing is missing.
    func createLocalSource() async throws {
        let isThere = try await read("look for the remote source local") { view in
            try view.remoteSource(named: RemoteSource.localName) != nil
        }
        guard !isThere else { return }
        try await change("create the remote source local") { change in
            guard try change.view.remoteSource(named: RemoteSource.localName) == nil else { return }
            try change.claim(.remoteSource(RemoteSource.localName))
            try change.insert(RemoteSource.local())
        }
    }
}

extension RemoteSource {
    /// The name of the remote source that stands for Martlet's own accounts and repositories.
    static let localName = "local"

    /// That remote source as a new installation has it.
    static func local() -> RemoteSource {
        RemoteSource(
            id: .random(),
            name: localName,
            kind: .local,
            authentication: .password,
            registrationEnabled: false,
            loginEnabled: true
        )
    }
}
