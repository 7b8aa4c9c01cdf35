import Model

/// A project group with everything above it: what a place in the tree means.
struct GroupPlace: Sendable {
    /// The group, then the groups above it up to the root group.
    let ancestry: [Entry<ProjectGroup>]
    /// The group itself.
    let entry: Entry<ProjectGroup>
    /// The path of the root group, such as `user/alice`.
    let rootPath: String

    /// The group.
    var group: ProjectGroup { entry.value }

    /// The group above; a root group is its own.
    var parent: GroupPlace {
        guard ancestry.count > 1 else { return self }
        return GroupPlace(ancestry: Array(ancestry.dropFirst()), entry: ancestry[1], rootPath: rootPath)
    }

    /// The names below the owner.
    var depth: Int { ancestry.count - 1 }

    /// The path by names.
    var path: String {
        ([rootPath] + ancestry.dropLast().reversed().map(\.value.name)).joined(separator: "/")
    }

    /// The path of the group above; a root group's own.
    var parentPath: String {
        ([rootPath] + ancestry.dropFirst().dropLast().reversed().map(\.value.name)).joined(separator: "/")
    }

    /// Private if the group or anything above it is.
    var globalVisibility: Visibility {
        ancestry.contains { $0.value.visibility == .private } ? .private : .public
    }

    /// The group as callers see it.
    var placed: PlacedProjectGroup {
        PlacedProjectGroup(group: group, path: path, parentPath: parentPath, globalVisibility: globalVisibility)
    }

    /// A group that lies directly in this one.
    func placed(_ child: ProjectGroup) -> PlacedProjectGroup {
        PlacedProjectGroup(
            group: child,
            path: "\(path)/\(child.name)",
            parentPath: path,
            globalVisibility: effective(child.visibility)
        )
    }

    /// A project that lies directly in this group.
    func placed(_ project: Project) -> PlacedProject {
        PlacedProject(
            project: project,
            path: "\(path)/\(project.name)",
            parentPath: path,
            globalVisibility: effective(project.visibility)
        )
    }

    /// Whether the group is `id` or lies below it.
    func isWithin(_ id: ProjectGroupID) -> Bool {
        ancestry.contains { $0.value.id == id }
    }

    private func effective(_ own: Visibility) -> Visibility {
        own == .private ? .private : globalVisibility
    }
}
