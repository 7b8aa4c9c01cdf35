import Base
import FoundationEssentials

/// A clone of the hosted repository with one branch for each measurement.
struct TrialRepository {
    /// What the only step of a branch's pipeline does.
    static let commands = [
        // The process that tells the time is the step's own: it replaces the shell.
        "tick": "exec date +%s%N",
        "ticks": "for i in $(seq 60); do date +%s%N; sleep 0.05; done",
        "flood": "date +%s%N; yes '\(line)' | head -c \(floodBytes)",
        "flood-tty": "date +%s%N; yes '\(line)' | head -c \(floodBytes / 10)",
    ]
    private static let line = "a line of a log that is neither short nor long, but just as most are"
    /// How much the branch `flood` logs.
    static let floodBytes = 200_000_000
    /// How many branches do nothing: runs of one branch run one after another, so a fair load needs several.
    static let idleBranches = (0..<16).map { "noop-\($0)" }

    private let tree: String
    private let environment: [String: String]

    /// Clones the repository, or finds the clone of an earlier service.
    init(_ service: TrialService) async throws {
        tree = "\(service.directory)/clone"
        environment = try service.gitEnvironment()
        guard !FileManager.default.fileExists(atPath: tree) else { return }
        try await Tool.run(
            "git",
            ["clone", "-q", "\(service.url)/repos/admin/hello.git", tree],
            environment: environment
        )
        var branches = Self.commands
        for name in Self.idleBranches { branches[name] = "exec true" }
        for (name, command) in branches {
            try await git(["checkout", "-q", "-B", name, "origin/main"])
            let pipeline = Self.pipeline(command, hasTerminal: name != "flood")
            try Data(pipeline.utf8).write(to: URL(filePath: "\(tree)/.martlet/config.yml"))
            try await git(["commit", "-q", "-a", "-m", "Measure \(name)"])
        }
        // This makes each branch's first run, too.
        try await git(["push", "-q", "origin", "--all"])
        try await git(["checkout", "-q", "tick"])
    }

    /// Makes a commit on the branch `tick`.
    func commit() async throws {
        try await git(["commit", "-q", "--allow-empty", "-m", "Measure"])
    }

    /// Pushes it.
    func push() async throws {
        try await git(["push", "-q", "origin", "tick"])
    }

    private func git(_ arguments: [String]) async throws {
        try await Tool.run("git", arguments, in: tree, environment: environment)
    }

    private static func pipeline(_ command: String, hasTerminal: Bool) -> String {
        """
        runs:
          - name: measure
            tasks:
              - name: only
                runtime:
                  containers:
                    - image: host
                steps:
                  - run:
                      command: \(quoted(command))
                      tty: \(hasTerminal)

        """
    }

    private static func quoted(_ text: String) -> String {
        "'\(text.replacing("'", with: "''"))'"
    }
}
