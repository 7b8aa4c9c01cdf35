import Base
import GitSources
import HTTPTypes
import Hummingbird
import Model
import ServiceKit
import WorkerClients

/// Projects, and their ties to the repositories whose pushes become runs.
struct ProjectRoutes: Sendable {
    static let lookUp: Set = [
        "projectDoesNotExist", "projectGroupDoesNotExist", "userDoesNotExist", "organizationDoesNotExist",
        "invalidPath",
        "invalidRef",
    ]
    private static let settingCodes: Set = [
        "invalidProjectName", "invalidPath", "parentProjectGroupDoesNotExist", "invalidRemoteSourceName",
        "remoteSourceDoesNotExist", "invalidRepoPath", "invalidDefaultBranch", "projectAlreadyExists", "treeTooDeep",
        "cannotSetMembersCanPerformRunActionsOnUserProject",
    ]

    let configstore: ConfigStoreClient
    let git: LocalGitSource
    let groups: ProjectGroupRoutes
    let apiExposedURL: String

    func add(optional: GatewayRoutes, required: GatewayRoutes) {
        optional.get("projects/:owner") { _, context in
            let placed = try await project(context)
            try Access.requireSight(context.caller, placed.globalVisibility, of: placed.project.owner)
            let owns = Access.owns(context.caller, placed.project.owner)
            let url = "\(apiExposedURL)/repos/\(placed.project.repositoryPath).git"
            return try Response.json(ProjectResponse(placed, cloneURL: owns ? url : nil))
        }
        required.post("projects") { request, context in try await create(request, context) }
        required.put("projects/:owner") { request, context in try await update(request, context) }
        required.delete("projects/:owner") { _, context in try await delete(context) }
        required.put("projects/:owner/reconfig") { _, context in
            try await bind(try await owned(context).project)
            return Response.empty()
        }
    }

    private struct Settings: Decodable {
        var name: String?
        var parent_ref: String?
        var visibility: String?
        var repo_path: String?
        var remote_source_name: String?
        var pass_vars_to_forked_pr: Bool?
        var members_can_perform_run_actions: Bool?
    }

    private func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        guard let user = context.caller.user else {
            throw APIError(
                .badRequest,
                code: "userRequired",
                "A project needs a user to own it; the admin token is not one."
            )
        }
        let settings: Settings = try await request.json()
        let parent = settings.parent_ref.flatMap { $0.isEmpty ? nil : $0 } ?? "user/\(user.name)"
        let owner = try await groups.requireOwner(context, ofParent: parent)
        let repository = try await repository(settings.repo_path, of: owner, caller: user)
        let creation = ProjectCreation(
            name: settings.name ?? "",
            parent: parent,
            visibility: try ProjectGroupRoutes.visibility(settings.visibility),
            remoteSource: settings.remote_source_name ?? "",
            repositoryPath: repository.path,
            membersCanPerformRunActions: settings.members_can_perform_run_actions ?? false,
            passVariablesToForkedPullRequests: settings.pass_vars_to_forked_pr ?? false
        )
        let placed = try await relay(Self.settingCodes) { try await configstore.create(creation) }
        do {
            try await relay {
                try await git.createRepository(GitRepositoryCreation(owner: repository.owner, name: repository.name))
            }
            try await bind(placed.project)
        } catch {
            // A project that no push reaches is half done; without it the request can simply be repeated.
            try await relay { try await configstore.deleteProject(placed.project.id.text) }
            throw error
        }
        return try Response.json(ProjectResponse(placed), status: .created)
    }

    private func update(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let placed = try await owned(context)
        let settings: Settings = try await request.json()
        if let parent = settings.parent_ref {
            let owner = try await groups.requireOwner(context, ofParent: parent)
            guard owner == placed.project.owner else {
                let message = "A project stays with the owner of its repository. Make a new one for the other owner."
                throw APIError(.badRequest, code: "cannotChangeProjectOwner", message)
            }
        }
        let update = ProjectUpdate(
            name: settings.name,
            parent: settings.parent_ref,
            visibility: try settings.visibility.map(ProjectGroupRoutes.visibility),
            membersCanPerformRunActions: settings.members_can_perform_run_actions,
            passVariablesToForkedPullRequests: settings.pass_vars_to_forked_pr
        )
        let updated = try await relay(Self.settingCodes) {
            try await configstore.update(project: placed.project.id.text, update)
        }
        return try Response.json(ProjectResponse(updated), status: .created)
    }

    // The repository stays: it is its owner's, not the project's.
    private func delete(_ context: GatewayContext) async throws -> Response {
        let project = try await owned(context).project
        try await relay(Self.lookUp) { try await configstore.deleteProject(project.id.text) }
        try await relay { try await git.unbind(project.repositoryPath, from: project.id) }
        return .empty()
    }

    private func bind(_ project: Project) async throws {
        try await relay {
            try await git.bind(project.repositoryPath, to: project.id, secret: project.webhookSecret)
        }
    }

    private func owned(_ context: GatewayContext) async throws -> PlacedProject {
        let placed = try await project(context)
        try Access.requireOwner(context.caller, of: placed.project.owner)
        return placed
    }

    private func project(_ context: GatewayContext) async throws -> PlacedProject {
        let reference = try context.pathVariable("owner")
        return try await relay(Self.lookUp) { try await configstore.project(reference) }
    }

    // A project shows its owner what is pushed to its repository, so the repository must be the owner's, whoever binds it.
    private func repository(
        _ path: String?,
        of owner: Owner,
        caller: User
    ) async throws -> (path: String, owner: String, name: String) {
        let path = path ?? ""
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            throw APIError(.badRequest, code: "invalidRepoPath", "The repo_path has the form <owner>/<name>.")
        }
        guard try await parts[0] == name(of: owner, caller) else {
            throw APIError(.forbidden, "The repository \(path) belongs to somebody else.")
        }
        return (path, parts[0], parts[1])
    }

    private func name(of owner: Owner, _ caller: User) async throws -> String {
        switch owner {
        case .user(let id): id == caller.id ? caller.name : try await relay { try await configstore.user(id) }.name
        }
    }
}
