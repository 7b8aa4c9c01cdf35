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
    func createLocalSource() async throws {
        let local = RemoteSource(
            id: .random(),
            name: "local",
            kind: .local,
            authentication: .password,
            registrationEnabled: false,
            loginEnabled: true
        )
        try await change("create the remote source local") { change in
            guard try change.view.remoteSource(named: local.name) == nil else { return }
            try change.claim(.remoteSource(local.name))
            try change.insert(local)
        }
    }
}
