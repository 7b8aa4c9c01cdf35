import Base
import Foundation
import Subprocess
import SystemPackage

/// The repository `admin/hello`, filled by an ordinary push: what a user would do, on the same path.
struct HelloRepository {
    let installation: InstallationDirectory

    private static let pipeline = """
        # Every push runs this. See docs/pipelines.md.
        runs:
          - name: hello
            tasks:
              - name: greet
                runtime:
                  containers:
                    - image: host
                steps:
                  - clone:
                  - run:
                      name: say hello
                      command: |
                        echo "Hello from commit $MARTLET_GIT_COMMITSHA on $(uname -sm)."
                        cat README.md
              - name: count
                runtime:
                  containers:
                    - image: host
                steps:
                  - run: for i in 1 2 3; do echo "$i"; sleep 0.2; done
              - name: celebrate
                depends: [greet, count]
                runtime:
                  containers:
                    - image: host
                steps:
                  - run: printf '\\033[1;32mBoth tasks before this one are green.\\033[0m\\n'

        """

    private static let readme = """
        # hello

        Change something and push: the next run starts at once.

        """

    /// Whether anybody has pushed yet.
    func hasCommits() async throws -> Bool {
        try await !git(["ls-remote", url], in: "/").isEmpty
    }

    /// Makes the first commit and pushes it.
    func push() async throws {
        let directory = "\(installation.data)/hello.new"
        let manager = FileManager.default
        if manager.fileExists(atPath: directory) {
            try attempt("remove \(directory)") { try manager.removeItem(atPath: directory) }
        }
        try InstallationDirectory.makeDirectory("\(directory)/.martlet")
        try InstallationDirectory.write(Self.pipeline, to: "\(directory)/.martlet/config.yml")
        try InstallationDirectory.write(Self.readme, to: "\(directory)/README.md")
        _ = try await git(["init", "--quiet", "--initial-branch=main"], in: directory)
        _ = try await git(["add", "."], in: directory)
        _ = try await git(["commit", "--quiet", "--message=Say hello"], in: directory)
        _ = try await git(["push", "--quiet", url, "main"], in: directory)
        try attempt("remove \(directory)") { try manager.removeItem(atPath: directory) }
    }

    private var url: String { "\(installation.url)/repos/admin/hello.git" }

    // The password goes by the environment: arguments and URLs are for everybody to see.
    private static let credentialHelper = "!f() { echo username=admin; echo \"password=$MARTLET_PASSWORD\"; }; f"

    private func git(_ arguments: [String], in directory: String) async throws -> String {
        let password = try installation.secret(installation.passwordPath)
        let outcome = try await attempt("run git \(arguments[0])") {
            try await Subprocess.run(
                .name("git"),
                arguments: Arguments(
                    ["-c", "credential.helper=", "-c", "credential.helper=\(Self.credentialHelper)"] + arguments
                ),
                environment: .inherit.updating([
                    "MARTLET_PASSWORD": password.revealed, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": "/dev/null",
                    "GIT_AUTHOR_NAME": "Martlet", "GIT_AUTHOR_EMAIL": "martlet@localhost",
                    "GIT_COMMITTER_NAME": "Martlet", "GIT_COMMITTER_EMAIL": "martlet@localhost",
                ]),
                workingDirectory: .init(directory),
                output: .string(limit: 1 << 20),
                error: .string(limit: 1 << 16)
            )
        }
        guard outcome.terminationStatus.isSuccess else {
            throw Failure("git \(arguments[0]) failed: \(outcome.standardError)")
        }
        return outcome.standardOutput
    }
}
