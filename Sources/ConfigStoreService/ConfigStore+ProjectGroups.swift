import Base
import Model

extension ConfigStore {
    /// Creates a project group below another one.
    func create(_ creation: ProjectGroupCreation) async throws -> PlacedProjectGroup {
        // The public contract says project, not project group, on creation.
        guard EntityName.isValid(creation.name) else {
            throw APIError(.badRequest, code: "invalidProjectName", EntityName.rule)
        }
        let id = ProjectGroupID.random()
        return try await change("create project group \(creation.name) in \(creation.parent)") { change in
            let parent = try change.view.group(creation.parent, as: .parent)
            try change.expectRoom(in: parent)
            try change.reserve(groupName: creation.name, in: parent)
            let group = ProjectGroup(
                id: id,
                name: creation.name,
                parent: parent.group.id,
                owner: parent.group.owner,
                visibility: creation.visibility
            )
            try change.insert(group)
            return parent.placed(group)
        }
    }

    /// A project group by id or path.
    func projectGroup(_ reference: String) async throws -> PlacedProjectGroup {
        try await read("read project group \(reference)") { try $0.group(reference, as: .subject).placed }
    }

    /// The groups directly in a group.
    func subgroups(of reference: String) async throws -> [PlacedProjectGroup] {
        try await read("list the groups of \(reference)") { view in
            let place = try view.group(reference, as: .subject)
            return try view.groups(in: place.group.id).map { place.placed($0.value) }
        }
    }

    /// The projects directly in a group.
    func projects(of reference: String) async throws -> [PlacedProject] {
        try await read("list the projects of \(reference)") { view in
            let place = try view.group(reference, as: .subject)
            return try view.projects(in: place.group.id).map { place.placed($0.value) }
        }
    }

    /// Renames or moves a group, or changes its visibility.
    func update(projectGroup reference: String, _ update: ProjectGroupUpdate) async throws -> PlacedProjectGroup {
        try await change("update project group \(reference)") { change in
            let place = try change.view.group(reference, as: .subject)
            if place.group.parent == nil { return try Self.updateRoot(place, update, &change) }
            guard EntityName.isValid(update.name ?? place.group.name) else {
                throw APIError(.badRequest, code: "invalidProjectGroupName", EntityName.rule)
            }
            let parent = try Self.destination(of: place, update, change.view)
            var group = place.group
            group.name = update.name ?? group.name
            group.parent = parent.group.id
            group.owner = parent.group.owner
            group.visibility = update.visibility ?? group.visibility
            if group.name != place.group.name || group.parent != place.group.parent {
                try change.reserve(groupName: group.name, in: parent)
            }
            if group.parent != place.group.parent {
                try change.expectRoom(for: change.takeAlong(below: place.entry, to: group.owner), in: parent)
            }
            try change.replace(place.entry, by: group)
            return parent.placed(group)
        }
    }

    /// Deletes an empty group that is no root group.
    func deleteProjectGroup(_ reference: String) async throws {
        try await change("delete project group \(reference)") { change in
            let place = try change.view.group(reference, as: .subject)
            guard place.group.parent != nil else {
                throw APIError(.badRequest, "A root project group goes with its owner only.")
            }
            try change.expectNoNewMembers(of: .children(place.group.id))
            guard try change.view.isEmpty(place.group.id) else {
                throw APIError(
                    .badRequest,
                    code: "projectGroupNotEmpty",
                    "Project groups or projects lie in this group. Delete or move them first."
                )
            }
            change.delete(place.entry)
        }
    }

    private static func updateRoot(
        _ place: GroupPlace,
        _ update: ProjectGroupUpdate,
        _ change: inout ConfigChange
    ) throws -> PlacedProjectGroup {
        guard update.name ?? "" == "" else {
            throw APIError(.badRequest, code: "invalidProjectGroupName", "A root project group has no name.")
        }
        guard update.parent == nil else { throw APIError(.badRequest, "A root project group cannot be moved.") }
        var group = place.group
        group.visibility = update.visibility ?? group.visibility
        try change.replace(place.entry, by: group)
        return PlacedProjectGroup(
            group: group,
            path: place.path,
            parentPath: place.parentPath,
            globalVisibility: group.visibility
        )
    }

    private static func destination(
        of place: GroupPlace,
        _ update: ProjectGroupUpdate,
        _ view: ConfigView
    ) throws -> GroupPlace {
        guard let reference = update.parent else { return place.parent }
        let parent = try view.group(reference, as: .parent)
        guard !parent.isWithin(place.group.id) else {
            throw APIError(.badRequest, "A project group cannot be moved into itself or below itself.")
        }
        return parent
    }
}
