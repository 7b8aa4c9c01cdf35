import Base
import Model

extension ConfigStore {
    /// Creates a project with a webhook secret of its own.
    func create(_ creation: ProjectCreation) async throws -> PlacedProject {
        let (id, secret) = (ProjectID.random(), SecretValue(HexText.random(bytes: 32)))
        return try await change("create project \(creation.name) in \(creation.parent)") { change in
            let parent = try change.view.group(creation.parent, as: .parent)
            try Self.check(creation)
            let source = try change.view.requiredRemoteSource(creation.remoteSource)
            var project = Project(
                id: id,
                name: creation.name,
                parent: parent.group.id,
                owner: parent.group.owner,
                visibility: creation.visibility,
                remoteSource: source.value.name,
                repositoryPath: creation.repositoryPath,
                webhookSecret: secret
            )
            project.defaultBranch = creation.defaultBranch ?? project.defaultBranch
            project.membersCanPerformRunActions = creation.membersCanPerformRunActions
            project.passVariablesToForkedPullRequests = creation.passVariablesToForkedPullRequests
            try Self.check(project)
            try change.expectRoom(in: parent)
            try change.reserve(projectName: project.name, in: parent)
            change.expectUnchanged(source)
            try change.insert(project)
            return parent.placed(project)
        }
    }

    /// A project by id or path.
    func project(_ reference: String) async throws -> PlacedProject {
        try await read("read project \(reference)") { view in
            let (entry, place) = try view.project(reference)
            return place.placed(entry.value)
        }
    }

    /// Renames or moves a project, or changes its settings.
    func update(project reference: String, _ update: ProjectUpdate) async throws -> PlacedProject {
        try await change("update project \(reference)") { change in
            let (entry, place) = try change.view.project(reference)
            let parent =
                if let reference = update.parent { try change.view.group(reference, as: .parent) } else { place }
            let project = Self.updated(entry.value, update, in: parent)
            try Self.check(project)
            if project.name != entry.value.name || project.parent != entry.value.parent {
                try change.expectRoom(in: parent)
                try change.reserve(projectName: project.name, in: parent)
            }
            try change.replace(entry, by: project)
            return parent.placed(project)
        }
    }

    /// Deletes a project.
    func deleteProject(_ reference: String) async throws {
        try await change("delete project \(reference)") { change in
            change.delete(try change.view.project(reference).entry)
        }
    }

    private static func updated(_ project: Project, _ update: ProjectUpdate, in parent: GroupPlace) -> Project {
        var project = project
        project.name = update.name ?? project.name
        project.parent = parent.group.id
        project.owner = parent.group.owner
        project.visibility = update.visibility ?? project.visibility
        project.defaultBranch = update.defaultBranch ?? project.defaultBranch
        project.membersCanPerformRunActions = update.membersCanPerformRunActions ?? project.membersCanPerformRunActions
        project.passVariablesToForkedPullRequests =
            update.passVariablesToForkedPullRequests ?? project.passVariablesToForkedPullRequests
        return project
    }

    // In the order of the public contract, which decides what a request with several mistakes is told.
    private static func check(_ creation: ProjectCreation) throws {
        guard EntityName.isValid(creation.name) else {
            throw APIError(.badRequest, code: "invalidProjectName", EntityName.rule)
        }
        guard !creation.remoteSource.isEmpty else {
            throw APIError(
                .badRequest,
                code: "invalidRemoteSourceName",
                "A project needs the remote source of its repository."
            )
        }
        guard RepositoryPathRule.isKept(by: creation.repositoryPath) else {
            throw APIError(.badRequest, code: "invalidRepoPath", RepositoryPathRule.sentence)
        }
    }

    private static func check(_ project: Project) throws {
        guard EntityName.isValid(project.name) else {
            throw APIError(.badRequest, code: "invalidProjectName", EntityName.rule)
        }
        guard BranchName.isValid(project.defaultBranch) else {
            throw APIError(.badRequest, code: "invalidDefaultBranch", BranchName.rule)
        }
        guard case .user = project.owner, project.membersCanPerformRunActions else { return }
        throw APIError(
            .badRequest,
            code: "cannotSetMembersCanPerformRunActionsOnUserProject",
            "A user's project has no members; only projects of organizations can allow them run actions."
        )
    }
}
