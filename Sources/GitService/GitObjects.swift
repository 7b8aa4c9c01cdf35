import Base
import FoundationEssentials
import Model

/// Reads commits, files and refs of a repository, with one short-lived git process for each question.
struct GitObjects: Sendable {
    private let git: GitCommand

    /// The most bytes of a file that is read whole.
    static let fileLimit = 1 << 20
    /// How much of a commit is kept: its head and a message that is still readable.
    static let commitLimit = 64 << 10
    private static let refsLimit = 32 << 20

    /// Reads with `git`.
    init(git: GitCommand) {
        self.git = git
    }

    /// A file as it is at a commit; nil when commit, path or repository do not have it.
    /// - Throws: ``APIError`` of kind `badRequest` when it is larger than ``fileLimit``.
    func file(_ path: String, at commit: String, in directory: String) async throws -> [UInt8]? {
        try await firstFile(of: [path], at: commit, in: directory)?.bytes
    }

    /// The first of some files that exists at a commit; nil when none does.
    /// - Throws: ``APIError`` of kind `badRequest` when it is larger than ``fileLimit``.
    func firstFile(
        of paths: [String],
        at commit: String,
        in directory: String
    ) async throws -> (path: String, bytes: [UInt8])? {
        let found = try await objects(paths.map { "\(commit):\($0)" }, keeping: Self.fileLimit, in: directory)
        for case (let path, let object?) in zip(paths, found) where object.type == "blob" {
            guard object.size <= Self.fileLimit else {
                throw APIError(.badRequest, code: "fileTooLarge", "\(path) is larger than \(Self.fileLimit) bytes.")
            }
            return (path, object.content)
        }
        return nil
    }

    /// The commits behind some objects; those that are no commits, and point to none, are left out.
    func commits(behind names: [String], in directory: String) async throws -> [String: GitCommit] {
        let names = Array(Set(names))
        let found = try await objects(names.map { "\($0)^{commit}" }, keeping: Self.commitLimit, in: directory)
        var commits: [String: GitCommit] = [:]
        for case (let name, let object?) in zip(names, found) where object.type == "commit" {
            commits[name] = CommitText(object.content).commit(named: object.name)
        }
        return commits
    }

    /// The commit a revision names; nil when there is none.
    func commit(_ revision: RepositoryRequest.Revision, in directory: String) async throws -> GitCommit? {
        switch revision {
        case .object(let object): try await commit(behind: object, in: directory)
        case .ref("HEAD"): try await commit(behind: "HEAD", in: directory)
        case .ref(let ref): try await commit(ofRef: ref, in: directory)
        }
    }

    private func commit(behind name: String, in directory: String) async throws -> GitCommit? {
        try await commits(behind: [name], in: directory)[name]
    }

    /// The commit that a ref names by its full name, as a rule with one process: it is what starting a run waits for.
    private func commit(ofRef ref: String, in directory: String) async throws -> GitCommit? {
        let format = "--format=%(objectname) %(objecttype) %(refname)%0a%(raw)"
        var output: [UInt8] = []
        try await git.read(["for-each-ref", format, ref], in: directory, input: []) { bytes in
            output += bytes.prefix(Self.commitLimit - output.count)
        }
        let head = output.prefix { $0 != UInt8(ascii: "\n") }
        let words = String(decoding: head, as: UTF8.self).split(separator: " ", maxSplits: 2).map(String.init)
        // Others than the ref itself are refs below one that does not exist.
        guard words.count == 3, words[2] == ref else { return nil }
        guard words[1] == "commit" else { return try await commit(behind: words[0], in: directory) }
        return CommitText(Array(output.dropFirst(head.count + 1))).commit(named: words[0])
    }

    /// All refs, sorted by name.
    func refs(in directory: String) async throws -> [GitRef] {
        let output = try await git.output(["for-each-ref", Self.refFormat], in: directory, limit: Self.refsLimit)
        return Self.refs(in: output)
    }

    /// What some refs name; those that do not exist are left out.
    func refs(_ names: [String], in directory: String) async throws -> [String: String] {
        // A long list would not fit a command line; then the whole list is shorter to ask for.
        let patterns = names.count <= 100 ? names : []
        let output = try await git.output(
            ["for-each-ref", Self.refFormat] + patterns,
            in: directory,
            limit: Self.refsLimit
        )
        let wanted = Set(names)
        let found = Self.refs(in: output).filter { wanted.contains($0.name) }
        return Dictionary(uniqueKeysWithValues: found.map { ($0.name, $0.sha) })
    }

    /// Whether one commit is among the other's ancestors, or is the same.
    func isAncestor(_ ancestor: String, of descendant: String, in directory: String) async throws -> Bool {
        let count = try await git.output(
            ["rev-list", "--count", "--max-count=1", ancestor, "^\(descendant)"],
            in: directory
        )
        return String(decoding: count, as: UTF8.self).hasPrefix("0")
    }

    private func objects(
        _ names: [String],
        keeping limit: Int,
        in directory: String
    ) async throws -> [ObjectBatch.Object?] {
        guard !names.isEmpty else { return [] }
        var batch = ObjectBatch(keeping: limit)
        let input = Array(names.joined(separator: "\n").utf8) + [UInt8(ascii: "\n")]
        try await git.read(["cat-file", "--batch"], in: directory, input: input) { try batch.take($0) }
        return try batch.finish(count: names.count)
    }

    private static let refFormat = "--format=%(objectname) %(refname)"

    private static func refs(in output: [UInt8]) -> [GitRef] {
        output.split(separator: UInt8(ascii: "\n")).compactMap { line in
            guard line.count > 41, let name = String(validating: line.dropFirst(41), as: UTF8.self) else { return nil }
            return GitRef(name: name, sha: String(decoding: line.prefix(40), as: UTF8.self))
        }
    }
}
