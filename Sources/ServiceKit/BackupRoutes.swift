import Base
package import Hummingbird

/// The routes by which what a service holds beside its records gets into a backup and back; they are open in every mode.
package struct BackupRoutes: Sendable {
    /// What the paths of the routes begin with.
    static let prefix = "/api/v1alpha/backup/"

    private let mark: RestoreMark?
    private let addRoutes: @Sendable (RouterGroup<ServiceContext>, _ isInMaintenance: Bool) -> Void

    /// Makes the routes.
    /// - Parameters:
    ///   - mark: remembers restores; as long as one has not ended, the service stays in maintenance.
    ///   - addRoutes: adds them below `backup`; what changes anything is to be refused when it is told that the service is not in
    ///     maintenance.
    package init(
        mark: RestoreMark?,
        _ addRoutes: @escaping @Sendable (RouterGroup<ServiceContext>, _ isInMaintenance: Bool) -> Void
    ) {
        self.mark = mark
        self.addRoutes = addRoutes
    }

    /// Of a service that holds nothing but records.
    package static let none = BackupRoutes(mark: nil) { _, _ in }

    /// Refuses to end a maintenance in which a restore has not ended.
    func expectNoRestore() async throws { try await mark?.expectNone() }

    func add(to group: RouterGroup<ServiceContext>, isInMaintenance: Bool) {
        addRoutes(group.group("backup"), isInMaintenance)
    }
}
