import Base
import Foundation

/// An end of the machine and another start: all processes are killed at once, and come back under another boot id.
struct Outage: Sendable {
    let processes: ComponentProcesses
    /// Nil when the power cannot be cut.
    let power: PowerLoss?
    /// A file that stands where the machine's boot id does; nil when it is always the same start.
    let bootID: String?

    /// Whether locks and leases of before are given up at once.
    var isAnotherStart: Bool { bootID != nil }

    /// Lets it happen, with what was not synced lost or kept.
    func happen(cutsPower: Bool) async throws {
        try await processes.whileDown {
            if cutsPower { try await power?.happen() }
            // Not by another file: this one is mounted.
            if let bootID { try Data("\(UUID().uuidString.lowercased())\n".utf8).write(to: URL(filePath: bootID)) }
        }
    }
}
