import Base
import FoundationEssentials
import Glibc

/// A git work tree on this machine.
struct WorkTree {
    /// What goes into a snapshot beside the tracked files.
    struct Content {
        /// Files that git does not know.
        var untracked = true
        /// Files that git is told to ignore.
        var ignored = false
        /// Whether the snapshot has the commit it is based on as its parent.
        var history = false
    }

    /// The topmost directory.
    let path: String
    private let git: LocalGit

    /// Finds the work tree around a directory.
    /// - Throws: ``CommandFailure`` when there is none.
    init(around directory: String, environment: [String: String]) async throws {
        let git = LocalGit(directory: directory, environment: environment)
        guard let path = try await git.answer(["rev-parse", "--show-toplevel"]), !path.isEmpty else {
            throw CommandFailure("\(directory) is not in a git work tree: change to one, or make one with “git init”")
        }
        self.path = path
        self.git = LocalGit(directory: path, environment: environment)
    }

    /// Names the work tree's repository on servers; the name is made once and kept in the local configuration.
    func repositoryUUID() async throws -> String {
        for key in ["martlet.repouuid", "agola.repouuid"] {
            guard let text = try await git.answer(["config", "--get", key]), let uuid = UUID(uuidString: text) else {
                continue
            }
            return uuid.uuidString.lowercased()
        }
        let uuid = UUID().uuidString.lowercased()
        try await explained("remember the repository's name") {
            _ = try await git.run(["config", "--local", "martlet.repouuid", uuid])
        }
        return uuid
    }

    /// Makes a commit of the files as they are, without touching index, HEAD, branches or files.
    /// - Parameters:
    ///   - content: what goes in beside the tracked files.
    ///   - message: the commit's message.
    /// - Returns: the commit's name; no ref names it.
    /// - Throws: ``CommandFailure`` with git's own words.
    func snapshot(_ content: Content = Content(), message: String) async throws -> String {
        // A copy of the index keeps what git knows of unchanged files, which makes the next step fast.
        let index = try await gitPath("martlet-index-\(UUID().uuidString)")
        defer { removeIndex(index) }
        return try await explained("take a snapshot of the work tree") {
            try await copyIndex(to: index)
            let setting = ["GIT_INDEX_FILE": index].merging(Self.author) { $1 }
            _ = try await git.run(
                ["-c", "advice.addEmbeddedRepo=false", "add"] + Self.scope(content),
                setting: setting
            )
            let tree = try await git.run(["write-tree"], setting: setting)
            var parents: [String] = []
            if content.history, let head = try await git.answer(["rev-parse", "-q", "--verify", "HEAD^{commit}"]) {
                parents = ["-p", head]
            }
            return try await git.run(["commit-tree", tree, "-F", "-"] + parents, setting: setting, input: message)
        }
    }

    /// Pushes a commit, over whatever the ref named before.
    /// - Parameters:
    ///   - commit: the commit's name.
    ///   - ref: the full name of the ref at the server.
    ///   - url: the repository's address.
    ///   - user: who pushes.
    ///   - token: proves it; it reaches git by the environment, never by a command line.
    /// - Throws: ``CommandFailure`` with git's own words.
    func push(_ commit: String, to ref: String, at url: String, as user: String, token: SecretValue) async throws {
        let helper =
            #"!f() { test "$1" = get && echo "username=$MARTLET_GIT_USER" && echo "password=$MARTLET_GIT_TOKEN"; }; f"#
        let settings = [
            "credential.helper=", "credential.helper=\(helper)", "push.followTags=false", "push.gpgSign=false",
        ]
        let push = ["push", "--quiet", "--force", "--no-verify", "--recurse-submodules=no", url, "\(commit):\(ref)"]
        let environment = [
            "MARTLET_GIT_USER": user, "MARTLET_GIT_TOKEN": token.revealed, "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
        ]
        try await explained("push to \(url)") {
            _ = try await git.run(settings.flatMap { ["-c", $0] } + push, setting: environment)
        }
    }

    private func copyIndex(to copy: String) async throws {
        let source = try await gitPath("index")
        // A repository in which nothing was ever added has none.
        guard FileManager.default.fileExists(atPath: source) else { return }
        try attempt("copy \(source)") {
            try FileManager.default.copyItem(atPath: source, toPath: copy)
            try Self.copyTime(of: source, to: copy)
        }
    }

    // git compares the times of a file and of the index to see whether the file may have changed after git last looked (its
    // documentation, "Use of index and Racy Git problem"). A copy with a time of its own would hide such changes.
    private static func copyTime(of source: String, to copy: String) throws {
        var facts = stat()
        guard stat(source, &facts) == 0 else { throw SystemError("look at \(source)") }
        let times = [facts.st_atim, facts.st_mtim]
        guard utimensat(AT_FDCWD, copy, times, 0) == 0 else { throw SystemError("set the time of \(copy)") }
    }

    // The file of this work tree in the repository's own directory, where nobody else reads it.
    private func gitPath(_ name: String) async throws -> String {
        let file = try await explained("find the repository") { try await git.run(["rev-parse", "--git-path", name]) }
        return file.hasPrefix("/") ? file : "\(path)/\(file)"
    }

    private func removeIndex(_ copy: String) {
        // It may not exist, and nothing depends on its going.
        unlink(copy)
    }

    private func explained<Value>(_ what: String, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let refusal as LocalGit.Refusal {
            throw CommandFailure("cannot \(what): \(refusal.complaint)")
        }
    }

    private static func scope(_ content: Content) -> [String] {
        if content.ignored { return ["-f", "-A", "--", "."] }
        return content.untracked ? ["-A", "--", "."] : ["-u", "--", "."]
    }

    // Somebody who has never committed anything has no name yet, and a snapshot is nobody's work.
    private static let author = [
        "GIT_AUTHOR_NAME": "Martlet direct run", "GIT_AUTHOR_EMAIL": "directrun@martlet.invalid",
        "GIT_COMMITTER_NAME": "Martlet direct run", "GIT_COMMITTER_EMAIL": "directrun@martlet.invalid",
    ]
}
