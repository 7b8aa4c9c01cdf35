import Base
import FoundationEssentials
import Model
import Store

/// Checks what the configstore will hold after an import: everything can be read with this installation's key, everything has the
/// place it says it has, and no name is taken twice.
///
/// It remembers the ids and names of everything, which are few: people made them.
struct ConfigCheck: RecordCheck {
    let sealing: SealingKey
    private var hasKeyCheck = false
    private var hasAdmin = false
    private var users: Set<UserID> = []
    private var sources: Set<String> = []
    private var groups: [ProjectGroupID: ProjectGroup] = [:]
    private var names: Set<[String]> = []

    init(sealing: SealingKey) {
        self.sealing = sealing
    }

    mutating func check(_ record: ImportedRecord, _ content: Void) throws {
        switch record.type {
        case KeyCheck.recordType: try checkKey(record)
        case RemoteSource.recordType: try check(read(RemoteSource.self, record))
        case User.recordType: try check(read(User.self, record))
        case StoredPassword.recordType:
            let password = try read(StoredPassword.self, record)
            try expect(users.contains(password.user), record, "belongs to a user who is not there")
        case StoredToken.recordType: try check(read(StoredToken.self, record), record)
        case ProjectGroup.recordType: try check(read(ProjectGroup.self, record), record)
        case Project.recordType: try check(read(Project.self, record), record)
        default: break
        }
    }

    mutating func finish() throws -> [String] {
        guard hasKeyCheck, sources.contains(RemoteSource.localName) else {
            throw Self.refusal("the record of the key or the remote source local is missing: the export is not whole")
        }
        var rootless = users
        for group in groups.values {
            try expectWay(from: group)
            guard group.parent == nil, case .user(let owner) = group.owner else { continue }
            guard rootless.remove(owner) != nil else { throw Self.refusal("user \(owner) has two root project groups") }
        }
        if let user = rootless.min() {
            throw Self.refusal("user \(user) has no root project group: the export is not whole")
        }
        // No refusal: Agola's users hardly ever are, and the token in the configuration goes on letting an administrator in.
        return hasAdmin ? [] : ["None of the users is an administrator: make one with gateway.adminToken."]
    }

    // MARK: Records

    private func read<Record: ConfigRecord>(_ type: Record.Type, _ record: ImportedRecord) throws -> Record {
        let value = try JSONCoding.decode(type, from: record.data)
        try expect(value.recordID == record.id, record, "holds another id")
        return try value.opened(by: sealing)
    }

    private mutating func checkKey(_ record: ImportedRecord) throws {
        let value = try JSONCoding.decode(KeyCheck.self, from: record.data)
        try expect(value.recordID == record.id, record, "holds another id")
        do {
            _ = try value.opened(by: sealing)
        } catch {
            throw APIError(
                .badRequest,
                code: "otherKey",
                "the export's secrets are sealed with the key of another installation: stop the configstore, put the file "
                    + "key of that installation's configstore in place of this one's, start it and import again",
                cause: error
            )
        }
        hasKeyCheck = true
    }

    private mutating func check(_ source: RemoteSource) throws {
        try claim(["remote source", source.name])
        sources.insert(source.name)
    }

    private mutating func check(_ user: User) throws {
        guard UUIDText.matches(user.id.text), EntityName.isValid(user.name) else {
            throw Self.refusal("user \(user.id) has a name or id that is not allowed")
        }
        try claim(["user", user.name])
        users.insert(user.id)
        hasAdmin = hasAdmin || user.isAdmin
    }

    private mutating func check(_ stored: StoredToken, _ record: ImportedRecord) throws {
        try expect(users.contains(stored.token.user), record, "belongs to a user who is not there")
        try expect(TokenName.isValid(stored.token.name), record, "has a name that is not allowed")
        try claim(["token of user \(stored.token.user)", stored.token.name])
    }

    private mutating func check(_ group: ProjectGroup, _ record: ImportedRecord) throws {
        guard case .user(let owner) = group.owner, users.contains(owner) else {
            throw Self.refusal("projectgroup \(group.id) belongs to a user who is not there")
        }
        if let parent = group.parent {
            try expect(EntityName.isValid(group.name), record, "has a name that is not allowed")
            try claim(["project group in \(parent)", group.name])
        } else {
            try expect(group.name.isEmpty, record, "is a root group, which has no name")
        }
        groups[group.id] = group
    }

    private mutating func check(_ project: Project, _ record: ImportedRecord) throws {
        try expect(EntityName.isValid(project.name), record, "has a name that is not allowed")
        try expect(groups[project.parent]?.owner == project.owner, record, "lies in no project group of its owner")
        try expect(sources.contains(project.remoteSource), record, "has a remote source that is not there")
        try claim(["project in \(project.parent)", project.name])
    }

    // MARK: What must hold

    private func expectWay(from group: ProjectGroup) throws {
        var current = group
        for _ in 0...TreePath.maximumDepth {
            guard let parent = current.parent else { return }
            guard let above = groups[parent], above.owner == group.owner else { break }
            current = above
        }
        throw Self.refusal("the way from project group \(group.id) to its owner is broken at \(current.id)")
    }

    private mutating func claim(_ name: [String]) throws {
        guard names.insert(name).inserted else {
            throw Self.refusal("the name \(name.last ?? "") is taken twice by a \(name.first ?? "")")
        }
    }

    private func expect(_ holds: Bool, _ record: ImportedRecord, _ problem: String) throws {
        guard holds else { throw Self.refusal("\(record.type) \(record.id) \(problem)") }
    }

    private static func refusal(_ sentence: String) -> APIError {
        APIError(.badRequest, code: "invalidRecord", sentence)
    }
}
