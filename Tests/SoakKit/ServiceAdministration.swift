import Base
import HTTPTransport
import HTTPTypes
import Model
import ServiceKit
import WorkerClients

/// Maintenance, export and import of one service through the public API, as the installation's administrator.
struct ServiceAdministration: Sendable {
    let service: Component
    private let api: ServiceConnection

    init(of service: Component, in site: ComponentSite) {
        self.service = service
        api = site.administration
    }

    /// Makes an export; a part of one throws.
    func export() async throws -> ArrivedExport { try ArrivedExport(try await exportBytes()) }

    /// Makes an export, whatever is in it.
    func exportBytes() async throws -> [UInt8] {
        let reply = try await ServiceConnection.checked(try await api.open(.get, path("export")))
        var bytes: [UInt8] = []
        for try await piece in reply.body { bytes += piece }
        return bytes
    }

    /// Replaces the service's records.
    func importAll(_ bytes: [UInt8]) async throws {
        _ = try await api.exchange(.post, path("import"), body: .bytes(bytes), timeout: .seconds(120))
    }

    /// Asks for maintenance or for its end, unless that is already wanted, and waits until the service has followed.
    func setMaintenance(_ isWanted: Bool) async throws {
        try await persistently {
            do {
                try await api.send(isWanted ? .put : .delete, path("maintenance"))
            } catch {
                let code = ErrorChain(error).first(RemoteError.self)?.code
                guard code == (isWanted ? "maintenanceAlreadyEnabled" : "maintenanceAlreadyDisabled") else {
                    throw error
                }
            }
        }
        try await waitFor(maintenance: isWanted)
    }

    /// Waits until every process of the service is in maintenance, or none.
    func waitFor(maintenance isOn: Bool) async throws {
        var seen = "nothing"
        try await patiently("\(service) follows, last \(seen)", within: .seconds(60)) {
            let status = try await persistently { try await api.get(path("maintenance"), as: MaintenanceStatus.self) }
            seen = "\(status)"
            let mode = isOn ? "maintenance" : "normal"
            return status.requestedStatus == isOn && status.currentStatus == isOn && !status.instances.isEmpty
                && status.instances.allSatisfy { $0.mode == mode }
        }
    }

    private func path(_ what: String) -> String { "/api/v1alpha/\(what)/\(service.rawValue)" }
}
