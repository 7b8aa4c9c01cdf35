import Base
import FoundationEssentials
import Model
import Store

/// Reads the users of an export of Agola v0.7 and their project groups; what there is no place for yet is counted.
///
/// Groups come in the order of their ids, so that a group's way up to its owner is known at the end only.
struct AgolaConfigConverter: RecordConverter {
    private static let leftOut = [
        "org": "Organizations were left out", "orgmember": "Memberships in organizations were left out",
        "project": "Projects on forges were left out", "remotesource": "Remote sources were left out",
        "secret": "Secrets were left out", "variable": "Variables were left out",
    ]

    let types = Set(leftOut.keys).union(["user", "projectgroup"])
    var warnings: [String] { losses.warnings }

    private let sealing: SealingKey
    private let now = Date()
    private var users: [String: Bool] = [:]
    private var groups: [String: AgolaProjectGroup] = [:]
    private var losses = Losses()

    init(sealing: SealingKey) {
        self.sealing = sealing
    }

    mutating func convert(_ record: ImportedRecord) throws -> [ImportedRecord] {
        switch record.type {
        case "user":
            return try convert(try AgolaUser.read(record))
        case "projectgroup":
            groups[record.id] = try AgolaProjectGroup.read(record)
        default:
            _ = try AgolaObject.read(record)
            if let sentence = Self.leftOut[record.type] { losses.add(sentence) }
        }
        return []
    }

    mutating func finish() throws -> [ImportedRecord] {
        // Maintenance, in which imports are made, does not let the next start add them.
        var records = [try Self.record(KeyCheck().sealed(by: sealing)), try Self.record(RemoteSource.local())]
        for id in groups.keys.sorted() {
            switch place(of: id) {
            case .owned(let group): records.append(try Self.record(group))
            case .leftOut(let sentence): losses.add(sentence)
            }
        }
        return records
    }

    private static func record<Record: ConfigRecord>(_ value: Record) throws -> ImportedRecord {
        ImportedRecord(type: Record.recordType, id: value.recordID, data: try JSONCoding.encode(value))
    }

    // MARK: Users

    private mutating func convert(_ agola: AgolaUser) throws -> [ImportedRecord] {
        losses.add("Linked accounts of users were left out", agola.linked_accounts?.count ?? 0)
        let isAllowed = EntityName.isValid(agola.name)
        users[agola.id] = isAllowed
        guard isAllowed else {
            losses.add("Users whose names are not allowed here were left out with all they own")
            return []
        }
        losses.add("Agola has no passwords: users sign in with their tokens until an administrator sets one")
        let user = User(id: UserID(agola.id), name: agola.name, isAdmin: agola.admin ?? false, createdAt: now)
        return try [Self.record(user)] + tokens(of: agola)
    }

    /// Agola stores the values themselves, we their hashes: whoever has a token goes on using it.
    private mutating func tokens(of user: AgolaUser) throws -> [ImportedRecord] {
        var records: [ImportedRecord] = []
        for (name, value) in (user.tokens ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard TokenName.isValid(name), !value.revealed.isEmpty else {
                losses.add("Tokens whose names are not allowed here, or which are empty, were left out")
                continue
            }
            let token = UserToken(id: .random(), user: UserID(user.id), name: name, createdAt: now)
            records.append(try Self.record(StoredToken(token: token, hash: TokenValue.hash(value))))
        }
        return records
    }

    // MARK: Project groups

    private enum Place {
        case owned(ProjectGroup)
        case leftOut(String)
    }

    private func place(of id: String) -> Place {
        var current = id
        for _ in 0...TreePath.maximumDepth {
            guard let group = groups[current] else {
                return .leftOut("Project groups whose parents are missing were left out")
            }
            guard group.parent.type == .projectgroup else { return root(group, of: id) }
            guard EntityName.isValid(group.name ?? "") else {
                return .leftOut("Project groups whose names are not allowed here were left out with all below them")
            }
            current = group.parent.id
        }
        return .leftOut("Project groups more than \(TreePath.maximumDepth) levels deep were left out")
    }

    /// The group, whose way up has ended at a root group.
    private func root(_ root: AgolaProjectGroup, of id: String) -> Place {
        guard root.parent.type == .user else { return .leftOut("Project groups of organizations were left out") }
        guard users[root.parent.id] == true, let group = groups[id] else {
            return .leftOut("Project groups of users who were left out or are missing were left out")
        }
        let isRoot = group.parent.type == .user
        return .owned(
            ProjectGroup(
                id: ProjectGroupID(id),
                name: isRoot ? "" : group.name ?? "",
                parent: isRoot ? nil : ProjectGroupID(group.parent.id),
                owner: .user(UserID(root.parent.id)),
                visibility: group.visibility
            )
        )
    }
}
