import Base
import FoundationEssentials
import Glibc

/// Makes a file of a repository, and a repository of such a file.
///
/// The file is a git bundle (gitformat-bundle) whose pack holds every object of the repository, those that no ref names any more
/// included, because a run may still ask for their commits. Any git clones it.
struct RepositoryBundles: Sendable {
    private let git: GitCommand
    private let repositories: Repositories
    private let pool: BlockingPool

    /// Works on `repositories`.
    init(git: GitCommand, repositories: Repositories, pool: BlockingPool = .shared) {
        self.git = git
        self.repositories = repositories
        self.pool = pool
    }

    /// The full name of the branch that `HEAD` names, whether or not it exists.
    /// - Returns: nil when the repository is gone.
    func head(of repository: RepositoryPath) async throws -> String? {
        guard let directory = repositories.directoryIfExisting(repository) else { return nil }
        return try await attempt("read HEAD of repository \(repository)") {
            let data = try await pool.run { () -> Data? in
                guard access("\(directory)/HEAD", F_OK) == 0 else { return nil }
                return try attempt("read HEAD") { try Data(contentsOf: URL(filePath: "\(directory)/HEAD")) }
            }
            guard let data else { return nil }
            let text = String(decoding: data, as: UTF8.self)
            let head = text.hasPrefix("ref: ") ? String(text.dropFirst(5).prefix { $0 != "\n" }) : ""
            guard RefName.isValid(head) else { throw Failure("it names no branch") }
            return head
        }
    }

    /// Makes a bundle of everything in a repository, while pushes to it go on.
    /// - Returns: nil when the repository has no refs.
    /// - Throws: ``APIError`` of kind `notExist` when there is no such repository, or not any more.
    func bundle(_ repository: RepositoryPath) async throws -> BundleFile? {
        let directory = try repositories.existing(repository)
        do {
            return try await attempt("bundle repository \(repository)") {
                // First the refs: what they name stays, so that the pack holds it and possibly more.
                let refs = try await git.output(["for-each-ref", Self.refFormat], in: directory, limit: Self.refsLimit)
                guard !refs.isEmpty else { return nil }
                let start = Self.start(refs, head: try await head(of: repository))
                let temporary = repositories.temporaryDirectory
                let file = try await pool.run { try BundleFile(directory: temporary) }
                try await pool.run { try file.append(start) }
                try await git.write(Self.packing, in: directory, to: try await pool.run { try file.appending() })
                return file
            }
        } catch {
            _ = try repositories.existing(repository)
            throw error
        }
    }

    /// Makes a repository of a bundle; one that exists is replaced.
    /// - Parameters:
    ///   - repository: the repository.
    ///   - head: the full name of the branch that `HEAD` is to name.
    ///   - bundle: the content; nil for an empty repository.
    /// - Throws: ``APIError`` of kind `badRequest` with code `invalidBundle`; there is no new repository then.
    func restore(_ repository: RepositoryPath, head: String, from bundle: BundleFile?) async throws {
        try await repositories.delete(repository)
        try await repositories.create(repository, defaultBranch: String(head.dropFirst("refs/heads/".count))) { draft in
            guard let bundle else { return }
            do {
                _ = try await git.output(Self.fetching(bundle.path), in: draft)
                // One file of refs instead of one for each.
                _ = try await git.output(["pack-refs", "--all"], in: draft)
            } catch  where ErrorChain(error).first(GitCommand.Refusal.self) != nil {
                let message = "The bundle of \(repository) is not one that git can read."
                throw APIError(.badRequest, code: "invalidBundle", message, cause: error)
            }
        }
    }

    // What stands before the pack. Refs are taken as bytes: git's names need not be UTF-8.
    private static func start(_ refs: [UInt8], head: String?) -> [UInt8] {
        let suffix = Array(" \(head ?? "")".utf8)
        let commit = refs.split(separator: UInt8(ascii: "\n")).first {
            $0.count == 40 + suffix.count && $0.suffix(suffix.count).elementsEqual(suffix)
        }
        let headLine = commit.map { Array($0.prefix(40)) + Array(" HEAD\n".utf8) } ?? []
        return Array("# v2 git bundle\n".utf8) + headLine + refs + [UInt8(ascii: "\n")]
    }

    private static let refFormat = "--format=%(objectname) %(refname)"
    private static let refsLimit = 64 << 20

    // One thread, and memory for one window: a backup must not take the machine from the runs.
    private static let packing = [
        "-c", "pack.threads=1", "-c", "pack.windowMemory=64m", "pack-objects", "--quiet", "--stdout", "--all",
        "--reflog",
        "--indexed-objects", "--keep-unreachable", "--pack-loose-unreachable", "--delta-base-offset",
    ]

    private static func fetching(_ path: String) -> [String] {
        let lenient = ["badTimezone", "missingSpaceBeforeDate", "zeroPaddedFilemode"].flatMap {
            ["-c", "fetch.fsck.\($0)=ignore"]
        }
        return ["-c", "fetch.fsckObjects=true"] + lenient + [
            "fetch", "--quiet", "--no-write-fetch-head", "--no-tags", "--atomic", path, "+refs/*:refs/*",
        ]
    }
}
