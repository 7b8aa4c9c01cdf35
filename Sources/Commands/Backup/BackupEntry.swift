import Base

/// What an entry of a backup is, known by its name.
enum BackupEntry: Equatable, Sendable {
    /// Says that this is a backup, and of when.
    case manifest
    /// The key of the configstore's secrets.
    case configKey
    /// The records of the configstore.
    case configExport
    /// What the git server has not delivered yet, and to whom it delivers.
    case outbox
    /// The records of the runservice.
    case runExport
    /// An object of the runservice: a log or an archive.
    case object(String)
    /// The branch that a repository's `HEAD` names; the repository exists.
    case head(String)
    /// The content of the repository whose head stands before.
    case bundle(String)
    /// The checksums of all entries before.
    case checksums

    private static let objects = "runservice/objects/"
    private static let repositories = "gitserver/repositories/"

    /// The name in the archive.
    var name: String {
        switch self {
        case .manifest: "martlet-backup.json"
        case .configKey: "configstore/key"
        case .configExport: "configstore/export"
        case .outbox: "gitserver/outbox"
        case .runExport: "runservice/export"
        case .object(let name): Self.objects + name
        case .head(let path): "\(Self.repositories)\(path).head"
        case .bundle(let path): "\(Self.repositories)\(path).bundle"
        case .checksums: "checksums"
        }
    }

    /// Reads a name; nil for one that backups do not have, or that is unsafe as a path.
    init?(name: String) {
        let fixed: [BackupEntry] = [.manifest, .configKey, .configExport, .outbox, .runExport, .checksums]
        if let entry = fixed.first(where: { $0.name == name }) {
            self = entry
        } else if name.hasPrefix(Self.objects) {
            let object = String(name.dropFirst(Self.objects.count))
            guard Self.isSafe(object) else { return nil }
            self = .object(object)
        } else if name.hasPrefix(Self.repositories) {
            let rest = name.dropFirst(Self.repositories.count)
            let (path, isHead) = rest.hasSuffix(".head") ? (rest.dropLast(5), true) : (rest.dropLast(7), false)
            guard isHead || rest.hasSuffix(".bundle"), Self.isSafe(String(path)),
                path.split(separator: "/", omittingEmptySubsequences: false).count == 2
            else { return nil }
            self = isHead ? .head(String(path)) : .bundle(String(path))
        } else {
            return nil
        }
    }

    /// Why the entry cannot follow `previous`; nil when it can.
    ///
    /// There is one right order.
    func objection(after previous: BackupEntry?) -> String? {
        let isRight =
            switch (previous, self) {
            case (nil, .manifest), (.manifest, .configKey), (.configKey, .configExport), (.configExport, .outbox),
                (.outbox, .runExport):
                true
            case (.runExport, .object), (.runExport, .head), (.object, .head): true
            case (.object(let before), .object(let name)): Self.ascend(before, name)
            case (.head(let before), .head(let path)), (.bundle(let before), .head(let path)): Self.ascend(before, path)
            case (.head(let before), .bundle(let path)): before == path
            case (.runExport, .checksums), (.object, .checksums), (.head, .checksums), (.bundle, .checksums): true
            default: false
            }
        if isRight { return nil }
        guard let previous else { return "a backup begins with \(Self.manifest.name)" }
        return "it cannot come after \(previous.name)"
    }

    private static func ascend(_ before: String, _ next: String) -> Bool {
        before.utf8.lexicographicallyPrecedes(next.utf8)
    }

    // Whoever unpacks a backup by other means must not be led astray.
    private static func isSafe(_ path: String) -> Bool {
        (1...1024).contains(path.utf8.count) && path.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
            && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
                !$0.isEmpty && $0 != "." && $0 != ".."
            }
    }
}
