import Base
import Model

extension ConfigChange {
    /// Reserves a name for a group that comes into `parent`.
    /// - Throws: ``APIError`` with code `projectGroupAlreadyExists`.
    mutating func reserve(groupName name: String, in parent: GroupPlace) throws {
        try claim(.group(parent.group.id, name))
        guard try view.group(named: name, in: parent.group.id) == nil else {
            throw APIError(
                .badRequest,
                code: "projectGroupAlreadyExists",
                "There is a project group of this name in \(parent.path) already."
            )
        }
        enter(parent)
    }

    /// Reserves a name for a project that comes into `parent`.
    /// - Throws: ``APIError`` with code `projectAlreadyExists`.
    mutating func reserve(projectName name: String, in parent: GroupPlace) throws {
        try claim(.project(parent.group.id, name))
        guard try view.project(named: name, in: parent.group.id) == nil else {
            throw APIError(
                .badRequest,
                code: "projectAlreadyExists",
                "There is a project of this name in \(parent.path) already."
            )
        }
        enter(parent)
    }

    /// Refuses to put `height` levels below `parent` when that would make the tree too deep.
    /// - Throws: ``APIError`` with code `treeTooDeep`.
    func expectRoom(for height: Int = 1, in parent: GroupPlace) throws {
        guard parent.depth + height <= TreePath.maximumDepth else {
            throw APIError(
                .badRequest,
                code: "treeTooDeep",
                "Project groups can be nested \(TreePath.maximumDepth) levels deep, projects included."
            )
        }
    }

    /// Moves everything below a group along with it: all of it gets the new owner, and nothing may join it meanwhile.
    /// - Returns: the levels from the group itself to the deepest thing below it.
    mutating func takeAlong(below group: Entry<ProjectGroup>, to owner: Owner) throws -> Int {
        try expectNoNewMembers(of: .children(group.value.id))
        var height = 1
        for project in try view.projects(in: group.value.id) {
            try handOver(project, to: owner)
            height = 2
        }
        for child in try view.groups(in: group.value.id) {
            height = max(height, try takeAlong(below: child, to: owner) + 1)
            try handOver(child, to: owner)
        }
        return height
    }

    private mutating func handOver<Value: OwnedRecord>(_ entry: Entry<Value>, to owner: Owner) throws {
        guard entry.value.owner != owner else { return }
        var value = entry.value
        value.owner = owner
        try replace(entry, by: value)
    }

    // The place must still be where it was, and whoever deletes or moves it must learn of its new member.
    private mutating func enter(_ parent: GroupPlace) {
        expectUnchanged(parent)
        addMember(to: .children(parent.group.id))
    }
}
