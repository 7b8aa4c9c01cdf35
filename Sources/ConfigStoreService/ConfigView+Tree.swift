import Base
import Model
import Store

extension ConfigView {
    /// A project group by id or path.
    /// - Throws: ``APIError``: `invalidPath`, or what `role` says when it does not exist.
    func group(_ reference: String, as role: GroupRole) throws -> GroupPlace {
        let entry: Entry<ProjectGroup>? =
            switch try TreeReference(group: reference) {
            case .id(let id): try self.entry(id: id)
            case .path(let path): try group(at: path, names: path.names, as: role)
            }
        guard let entry else { throw role.missing() }
        return try place(of: entry)
    }

    /// A project by id or path, with the group it lies in.
    /// - Throws: ``APIError``: `invalidPath`, `userDoesNotExist`, `organizationDoesNotExist`, `projectDoesNotExist`.
    func project(_ reference: String) throws -> (entry: Entry<Project>, place: GroupPlace) {
        let entry: Entry<Project>? =
            switch try TreeReference(project: reference) {
            case .id(let id): try self.entry(id: id)
            case .path(let path): try project(at: path)
            }
        guard let entry else {
            throw APIError(.notExist, code: "projectDoesNotExist", "There is no such project.")
        }
        return (entry, try place(ofGroup: entry.value.parent))
    }

    /// The root group of an owner.
    func rootGroup(of owner: Owner) throws -> Entry<ProjectGroup>? {
        try first("SELECT id FROM config_group WHERE owner = ? AND parent IS NULL", [.text(owner.key)])
    }

    /// The group of a name directly in another one.
    func group(named name: String, in parent: ProjectGroupID) throws -> Entry<ProjectGroup>? {
        try first("SELECT id FROM config_group WHERE parent = ? AND name = ?", [.text(parent.text), .text(name)])
    }

    /// The project of a name directly in a group.
    func project(named name: String, in parent: ProjectGroupID) throws -> Entry<Project>? {
        try first("SELECT id FROM config_project WHERE parent = ? AND name = ?", [.text(parent.text), .text(name)])
    }

    /// The groups directly in a group, in the order of their names.
    func groups(in parent: ProjectGroupID) throws -> [Entry<ProjectGroup>] {
        try entries("SELECT id FROM config_group WHERE parent = ? ORDER BY name", [.text(parent.text)])
    }

    /// The projects directly in a group, in the order of their names.
    func projects(in parent: ProjectGroupID) throws -> [Entry<Project>] {
        try entries("SELECT id FROM config_project WHERE parent = ? ORDER BY name", [.text(parent.text)])
    }

    /// Whether nothing lies in a group.
    func isEmpty(_ group: ProjectGroupID) throws -> Bool {
        let sql = """
            SELECT EXISTS (SELECT 1 FROM config_group WHERE parent = ?1) OR EXISTS (SELECT 1 FROM config_project WHERE parent = ?1)
            AS found
            """
        return try tx.rows(sql, [.text(group.text)]).first?.bool("found") == false
    }

    /// A group with everything above it.
    func place(of entry: Entry<ProjectGroup>) throws -> GroupPlace {
        var ancestry = [entry]
        while let parent = ancestry.last?.value.parent {
            guard let above: Entry<ProjectGroup> = try self.entry(id: parent.text),
                ancestry.count <= TreePath.maximumDepth
            else {
                throw Failure("the way from project group \(entry.value.id) to its owner is broken at \(parent)")
            }
            ancestry.append(above)
        }
        return GroupPlace(ancestry: ancestry, entry: entry, rootPath: try rootPath(of: entry.value.owner))
    }

    private func place(ofGroup id: ProjectGroupID) throws -> GroupPlace {
        guard let entry: Entry<ProjectGroup> = try entry(id: id.text) else {
            throw Failure("there is no project group \(id), which something lies in")
        }
        return try place(of: entry)
    }

    private func rootPath(of owner: Owner) throws -> String {
        switch owner {
        case .user(let id):
            guard let user: Entry<User> = try entry(id: id.text) else {
                throw Failure("there is no user \(id), who owns something")
            }
            return "user/\(user.value.name)"
        }
    }

    private func project(at path: TreePath) throws -> Entry<Project>? {
        guard let name = path.names.last else { return nil }
        guard let parent = try group(at: path, names: path.names.dropLast(), as: .subject) else { return nil }
        return try project(named: name, in: parent.value.id)
    }

    private func group(
        at path: TreePath,
        names: some Sequence<String>,
        as role: GroupRole
    ) throws -> Entry<ProjectGroup>? {
        guard let owner = try owner(at: path, as: role) else { return nil }
        var group = try rootGroup(of: owner)
        for name in names {
            guard let parent = group else { return nil }
            group = try self.group(named: name, in: parent.value.id)
        }
        return group
    }

    private func owner(at path: TreePath, as role: GroupRole) throws -> Owner? {
        // In a path only a name names an owner, and a parent that is not there is missing as a whole.
        switch (path.ownerKind, role) {
        case (.user, .parent):
            return try user(named: path.owner).map { .user($0.value.id) }
        case (.user, .subject):
            guard let user = try user(named: path.owner) else { throw Self.noUser() }
            return .user(user.value.id)
        case (.org, .parent):
            return nil
        case (.org, .subject):
            throw APIError(.notExist, code: "organizationDoesNotExist", "There is no such organization.")
        }
    }
}
