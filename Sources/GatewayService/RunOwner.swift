import Base
import Hummingbird
import Model
import ServiceKit
import WorkerClients

/// What runs belong to: a project, or a user for direct runs.
///
/// Every route of runs exists twice, below `/projects/{ref}` and below `/users/{ref}`; what differs is here.
enum RunOwner: Sendable {
    /// Runs of a project's commits.
    case project(PlacedProject)
    /// Runs of a user's own work trees.
    case user(User)

    /// The root group, which counts the runs.
    var group: String {
        switch self {
        case .project(let placed): "/project/\(placed.project.id)"
        case .user(let user): "/user/\(user.id)"
        }
    }

    private var owner: Owner {
        switch self {
        case .project(let placed): placed.project.owner
        case .user(let user): .user(user.id)
        }
    }

    // Direct runs are always private.
    private var visibility: Visibility {
        switch self {
        case .project(let placed): placed.globalVisibility
        case .user: .private
        }
    }

    /// Refuses callers who may not see the runs.
    func requireSight(_ caller: Caller) throws {
        try Access.requireSight(caller, visibility, of: owner)
    }

    /// Refuses callers who may not act on the runs.
    func requireOwner(_ caller: Caller) throws {
        try Access.requireOwner(caller, of: owner)
    }
}

/// Finds the owner named in a path.
struct RunOwnerLookup: Sendable {
    /// The two places of a run's routes.
    enum Place: String, CaseIterable {
        case projects
        case users
    }

    let configstore: ConfigStoreClient

    func owner(_ place: Place, _ context: GatewayContext) async throws -> RunOwner {
        let reference = try context.pathVariable("owner")
        switch place {
        case .projects:
            return .project(try await relay(ProjectRoutes.lookUp) { try await configstore.project(reference) })
        case .users:
            return .user(try await relay(["userDoesNotExist"]) { try await configstore.user(reference) })
        }
    }
}
