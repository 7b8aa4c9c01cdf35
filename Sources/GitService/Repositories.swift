import Base
import FoundationEssentials
import Glibc

/// The repositories on disk: `<data>/hosted/<owner>/<name>.git` and `<data>/direct/<user id>/<repo uuid>.git`.
struct Repositories: Sendable {
    private let dataDirectory: String
    private let git: GitCommand
    private let pool: BlockingPool

    /// Uses the repositories below `dataDirectory`, which exists.
    init(dataDirectory: String, git: GitCommand, pool: BlockingPool) {
        self.dataDirectory = dataDirectory
        self.git = git
        self.pool = pool
    }

    /// Where the repository lies or would lie.
    func directory(of repository: RepositoryPath) -> String {
        "\(ownerDirectory(of: repository))/\(repository.name).git"
    }

    /// The directory of an existing repository.
    /// - Throws: ``APIError`` of kind `notExist` when there is none.
    func existing(_ repository: RepositoryPath) throws -> String {
        guard let directory = directoryIfExisting(repository) else {
            throw APIError(.notExist, code: "repositoryDoesNotExist", "There is no repository \(repository).")
        }
        return directory
    }

    /// The directory of a repository; nil when there is none, or when something else than directories lies in its path.
    func directoryIfExisting(_ repository: RepositoryPath) -> String? {
        let path = [
            dataDirectory + "/" + repository.kind.rawValue, ownerDirectory(of: repository), directory(of: repository),
        ]
        return path.allSatisfy(Self.isDirectory) ? path.last : nil
    }

    /// Where unfinished things lie; emptied at each start.
    var temporaryDirectory: String { "\(dataDirectory)/tmp" }

    /// Creates a bare repository; nothing happens when it exists.
    /// - Parameters:
    ///   - repository: the repository.
    ///   - defaultBranch: the branch that `HEAD` names.
    ///   - fill: puts something into the directory before it becomes the repository; then all of it is on the disk first.
    /// - Throws: ``Failure`` when git or the file system refuse; what `fill` throws.
    func create(
        _ repository: RepositoryPath,
        defaultBranch: String = "main",
        fill: ((_ draft: String) async throws -> Void)? = nil
    ) async throws {
        guard !Self.isDirectory(directory(of: repository)) else { return }
        let draft = "\(temporaryDirectory)/\(UUID().uuidString.lowercased()).git"
        let target = directory(of: repository)
        let parents = [dataDirectory + "/" + repository.kind.rawValue, ownerDirectory(of: repository)]
        try await attempt("create repository \(repository)") {
            let arguments = ["init", "--quiet", "--bare", "--template=", "--initial-branch=\(defaultBranch)", draft]
            _ = try await git.output(arguments, in: dataDirectory)
            if let fill {
                do {
                    try await fill(draft)
                } catch {
                    try await pool.run { try FileManager.default.removeItem(atPath: draft) }
                    throw error
                }
            }
            try await pool.run {
                try Self.synchronizeTree(draft)
                for parent in parents { try Self.makeDirectory(parent) }
                try Self.put(draft, at: target)
                for directory in parents.reversed() + [dataDirectory] { try Self.synchronize(directory) }
            }
        }
    }

    /// The repositories of an owner, sorted by name.
    func all(of owner: RepositoryOwner) async throws -> [RepositoryPath] {
        let directory = "\(dataDirectory)/\(owner.kind.rawValue)/\(owner)"
        return try await attempt("list the repositories of \(owner)") {
            try await pool.run {
                guard Self.isDirectory(directory) else { return [] }
                return try FileManager.default.contentsOfDirectory(atPath: directory).sorted().compactMap { entry in
                    guard entry.hasSuffix(".git") else { return nil }
                    return RepositoryPath(owner: owner.name, name: String(entry.dropLast(4)))
                }
            }
        }
    }

    /// Repositories in ascending order of their paths: at most `limit` of those after `path`.
    func all(after path: String, limit: Int) async throws -> [RepositoryPath] {
        try await attempt("list the repositories") {
            let owners = try await pool.run { [dataDirectory] in
                try ["hosted", "direct"].flatMap {
                    try FileManager.default.contentsOfDirectory(atPath: "\(dataDirectory)/\($0)")
                }
            }
            let sorted = owners.compactMap { RepositoryOwner($0) }.sorted { Self.ascend("\($0)/", "\($1)/") }
            var found: [RepositoryPath] = []
            // The owners before the one in `path` have nothing to add.
            for owner in sorted where !Self.ascend("\(owner)/\u{7F}", path) && found.count < limit {
                found += try await all(of: owner).filter { Self.ascend(path, "\($0)") }
                    .sorted { Self.ascend("\($0)", "\($1)") }
            }
            return Array(found.prefix(limit))
        }
    }

    private static func ascend(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    /// Removes a repository; nothing happens when there is none.
    func delete(_ repository: RepositoryPath) async throws {
        let target = directory(of: repository)
        let grave = "\(dataDirectory)/tmp/\(UUID().uuidString.lowercased()).git"
        let parent = ownerDirectory(of: repository)
        guard Self.isDirectory(parent), Self.isDirectory(target) else { return }
        try await attempt("delete repository \(repository)") {
            try await pool.run {
                guard rename(target, grave) == 0 else { throw SystemError("move \(target) away") }
                try Self.synchronize(parent)
                try FileManager.default.removeItem(atPath: grave)
            }
        }
    }

    /// Removes what a git that was killed in the middle of a push left behind; nobody else may push meanwhile.
    func removeRemains(_ repository: RepositoryPath) async throws {
        let objects = directory(of: repository) + "/objects"
        try await attempt("clean up repository \(repository)") {
            try await pool.run {
                for name in try FileManager.default.contentsOfDirectory(atPath: objects)
                where name.hasPrefix("tmp_objdir-") || name.hasPrefix("incoming-") {
                    try FileManager.default.removeItem(atPath: "\(objects)/\(name)")
                }
            }
        }
    }

    /// How many packs the repository has.
    func packCount(_ repository: RepositoryPath) async throws -> Int {
        let packs = directory(of: repository) + "/objects/pack"
        return try await attempt("count the packs of repository \(repository)") {
            try await pool.run {
                try FileManager.default.contentsOfDirectory(atPath: packs).count { $0.hasSuffix(".pack") }
            }
        }
    }

    /// Makes what git renamed into a repository survive a power loss: git itself synchronizes files, never directories.
    func synchronize(_ repository: RepositoryPath, refs: [String]) async throws {
        let directory = directory(of: repository)
        var folders: Set<String> = [directory, directory + "/objects", directory + "/objects/pack"]
        for ref in refs {
            var parts = ref.split(separator: "/").dropLast()
            while !parts.isEmpty {
                folders.insert("\(directory)/\(parts.joined(separator: "/"))")
                parts.removeLast()
            }
        }
        let existing = folders.filter(Self.isDirectory)
        try await attempt("synchronize repository \(repository)") {
            try await pool.run { for folder in existing { try Self.synchronize(folder) } }
        }
    }

    /// Makes the directory of a new service.
    static func makeDataDirectory(_ path: String) throws {
        try attempt("create \(path)") {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        }
    }

    /// Prepares what is in the data directory and removes what an earlier service left half done.
    static func prepare(_ dataDirectory: String) throws {
        try attempt("prepare \(dataDirectory)") {
            for kind in ["hosted", "direct"] { try makeDirectory("\(dataDirectory)/\(kind)") }
            if isDirectory(dataDirectory + "/tmp") {
                try FileManager.default.removeItem(atPath: dataDirectory + "/tmp")
            }
            try makeDirectory(dataDirectory + "/tmp")
        }
    }

    private func ownerDirectory(of repository: RepositoryPath) -> String {
        "\(dataDirectory)/\(repository.kind.rawValue)/\(repository.owner)"
    }

    // Of the file itself, not of what a link points to: links could lead out of the data directory.
    private static func isDirectory(_ path: String) -> Bool {
        var facts = stat()
        return lstat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
    }

    private static func makeDirectory(_ path: String) throws {
        guard mkdir(path, 0o700) == 0 || (errno == EEXIST && isDirectory(path)) else {
            throw SystemError("create directory \(path)")
        }
    }

    // Somebody else may have been quicker; theirs is as good.
    private static func put(_ draft: String, at target: String) throws {
        guard rename(draft, target) != 0 else { return }
        guard errno == ENOTEMPTY || errno == EEXIST, isDirectory(target) else { throw SystemError("create \(target)") }
        try attempt("remove \(draft)") { try FileManager.default.removeItem(atPath: draft) }
    }

    /// Git synchronizes neither the head nor the configuration of a new repository, and without them it is none.
    private static func synchronizeTree(_ directory: String) throws {
        let paths = try attempt("list \(directory)") {
            try FileManager.default.subpathsOfDirectory(atPath: directory)
        }
        for path in paths {
            let descriptor = open("\(directory)/\(path)", O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
            guard descriptor >= 0 else { throw SystemError("open \(directory)/\(path)") }
            defer { close(descriptor) }
            guard fsync(descriptor) == 0 else { throw SystemError("synchronize \(directory)/\(path)") }
        }
        try synchronize(directory)
    }

    private static func synchronize(_ directory: String) throws {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        // A ref's last sibling may just have been deleted, and its folder with it.
        guard descriptor >= 0 || errno != ENOENT else { return }
        guard descriptor >= 0 else { throw SystemError("open directory \(directory)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SystemError("synchronize directory \(directory)") }
    }
}
