import Base
import Hummingbird
import Model
import ServiceKit
import WorkerClients

/// Project groups, and the remote sources that projects come from.
struct ProjectGroupRoutes: Sendable {
    private static let lookUp: Set = [
        "projectGroupDoesNotExist", "userDoesNotExist", "organizationDoesNotExist", "invalidPath", "invalidRef",
    ]

    let configstore: ConfigStoreClient

    func add(open: GatewayRoutes, required: GatewayRoutes) {
        open.get("remotesources") { _, _ in
            let sources = try await relay { try await configstore.remoteSources() }
            var response = try Response.json(sources.map(RemoteSourceResponse.init))
            response.headers[.runCursor] = ""
            return response
        }
        required.get("remotesources/:source") { _, context in
            let name = try context.pathVariable("source")
            let source = try await relay(["remoteSourceDoesNotExist"]) { try await configstore.remoteSource(name) }
            return try Response.json(RemoteSourceResponse(source))
        }
        required.post("projectgroups") { request, context in try await create(request, context) }
        required.get("projectgroups/:group") { _, context in
            try Response.json(ProjectGroupResponse(try await visible(context)))
        }
        required.put("projectgroups/:group") { request, context in try await update(request, context) }
        required.delete("projectgroups/:group") { _, context in try await delete(context) }
        required.get("projectgroups/:group/subgroups") { _, context in try await subgroups(context) }
        required.get("projectgroups/:group/projects") { _, context in try await projects(context) }
    }

    private struct Settings: Decodable {
        var name: String?
        var parent_ref: String?
        var visibility: String?
    }

    private func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let user = try context.caller.requireUser()
        let settings: Settings = try await request.json()
        let parent = settings.parent_ref.flatMap { $0.isEmpty ? nil : $0 } ?? "user/\(user.name)"
        try await requireOwner(context, ofParent: parent)
        let visibility = try Self.visibility(settings.visibility)
        let codes: Set = [
            "invalidProjectName", "invalidPath", "parentProjectGroupDoesNotExist", "projectGroupAlreadyExists",
            "treeTooDeep",
        ]
        let group = try await relay(codes) {
            try await configstore.create(
                ProjectGroupCreation(name: settings.name ?? "", parent: parent, visibility: visibility)
            )
        }
        return try Response.json(ProjectGroupResponse(group), status: .created)
    }

    private func update(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let placed = try await owned(context)
        let settings: Settings = try await request.json()
        if let parent = settings.parent_ref {
            let owner = try await requireOwner(context, ofParent: parent)
            guard owner == placed.group.owner else {
                let message = "A project group stays with its owner, as the repositories of its projects do."
                throw APIError(.badRequest, code: "cannotChangeProjectOwner", message)
            }
        }
        let codes: Set = [
            "invalidProjectGroupName", "invalidPath", "parentProjectGroupDoesNotExist", "projectGroupAlreadyExists",
            "treeTooDeep",
        ]
        let update = ProjectGroupUpdate(
            name: settings.name,
            parent: settings.parent_ref,
            visibility: try settings.visibility.map(Self.visibility)
        )
        let group = try await relay(codes) {
            try await configstore.update(projectGroup: placed.group.id.text, update)
        }
        return try Response.json(ProjectGroupResponse(group), status: .created)
    }

    private func delete(_ context: GatewayContext) async throws -> Response {
        let placed = try await owned(context)
        try await relay(["projectGroupNotEmpty"]) { try await configstore.deleteProjectGroup(placed.group.id.text) }
        return .empty()
    }

    private func subgroups(_ context: GatewayContext) async throws -> Response {
        let placed = try await visible(context)
        let groups = try await relay { try await configstore.subgroups(of: placed.group.id.text) }
        let seen = groups.filter { Access.sees(context.caller, $0.globalVisibility, of: $0.group.owner) }
        return try Response.json(seen.map(ProjectGroupResponse.init))
    }

    private func projects(_ context: GatewayContext) async throws -> Response {
        let placed = try await visible(context)
        let projects = try await relay { try await configstore.projects(of: placed.group.id.text) }
        let seen = projects.filter { Access.sees(context.caller, $0.globalVisibility, of: $0.project.owner) }
        return try Response.json(seen.map { ProjectResponse($0) })
    }

    private func visible(_ context: GatewayContext) async throws -> PlacedProjectGroup {
        let placed = try await group(context)
        try Access.requireSight(context.caller, placed.globalVisibility, of: placed.group.owner)
        return placed
    }

    private func owned(_ context: GatewayContext) async throws -> PlacedProjectGroup {
        let placed = try await group(context)
        try Access.requireOwner(context.caller, of: placed.group.owner)
        return placed
    }

    private func group(_ context: GatewayContext) async throws -> PlacedProjectGroup {
        let reference = try context.pathVariable("group")
        return try await relay(Self.lookUp) { try await configstore.projectGroup(reference) }
    }

    /// Refuses callers who may not put something into the group, and returns the group's owner.
    @discardableResult
    func requireOwner(_ context: GatewayContext, ofParent reference: String) async throws -> Owner {
        let parent: PlacedProjectGroup
        do {
            parent = try await relay(Self.lookUp) { try await configstore.projectGroup(reference) }
        } catch let error as APIError where error.kind == .notExist {
            let message = "There is no project group “\(reference)” to put this into."
            throw APIError(.notExist, code: "parentProjectGroupDoesNotExist", message, cause: error)
        }
        try Access.requireOwner(context.caller, of: parent.group.owner)
        return parent.group.owner
    }

    static func visibility(_ text: String?) throws -> Visibility {
        guard let visibility = Visibility(rawValue: text ?? "") else {
            throw APIError(.badRequest, code: "invalidVisibility", "The visibility is public or private.")
        }
        return visibility
    }
}
