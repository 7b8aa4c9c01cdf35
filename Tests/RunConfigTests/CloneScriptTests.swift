import Base
import FoundationEssentials
import Model
import RunConfig
import Subprocess
import TestSupport
import Testing

@Suite("The clone step really fetches the commit", .temporaryDirectory, .timeLimit(.minutes(5)))
struct CloneScriptTests {
    private static let identity = [
        "PATH": "/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.org",
    ]

    /// Runs a shell script in a directory of the test; answers what it printed, both streams in one.
    private func shell(
        _ script: String,
        in directory: String,
        environment: [String: String] = [:],
        failing: Bool = false
    ) async throws -> String {
        let path = "\(TemporaryDirectory.path)/\(directory)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let variables = Self.identity.merging(["HOME": "\(TemporaryDirectory.path)/home/ci"]) { $1 }.merging(
            environment
        ) { $1 }
        let values = variables.reduce(into: [Environment.Key: String]()) {
            $0[Environment.Key(rawValue: $1.key) ?? "X"] = $1.value
        }
        let result = try await Subprocess.run(
            .name("sh"),
            arguments: ["-e", "-c", "cd '\(path)'; exec 2>&1\n" + script],
            environment: .custom(values),
            output: .string(limit: 1 << 20),
            error: .discarded
        )
        let text = result.standardOutput
        guard result.terminationStatus.isSuccess != failing else {
            throw Failure("the script ended with \(result.terminationStatus): \(text)")
        }
        return text
    }

    /// A repository of three commits; answers their names.
    private func makeSource() async throws -> [String] {
        let script = """
            git init -q -b main .
            for i in 1 2 3; do echo $i > file; git add file; git commit -q -m "commit $i"; git rev-parse HEAD; done
            git update-ref refs/pull/1/head HEAD~1
            """
        return try await shell(script, in: "source").split(separator: "\n").map(String.init)
    }

    private func step(_ options: String) throws -> RunStep {
        let graph = try #require(try graphs(task("steps: [clone: \(options)]")).first)
        guard case .run(let step)? = graph.tasks.values.first?.steps.first else { throw Failure("no step") }
        return step
    }

    private func environment(commit: String, ref: String = "refs/heads/main", url: String? = nil) -> [String: String] {
        [
            "MARTLET_REPOSITORY_URL": url ?? "file://\(TemporaryDirectory.path)/source", "MARTLET_GIT_REF": ref,
            "MARTLET_GIT_COMMITSHA": commit, "MARTLET_GIT_HOST": "git.test", "MARTLET_GIT_PORT": "2222",
        ]
    }

    @Test("the step has Agola's name, a shell of its own and no terminal")
    func shape() throws {
        let step = try step("")
        #expect(step.name == "Clone repository and checkout code")
        #expect(step.shell == "/bin/sh -e" && !step.tty)
        #expect(try self.step("{name: fetch}").name == "fetch")
    }

    @Test("an older commit is checked out, with the home directory made where it is missing")
    func olderCommit() async throws {
        let commits = try await makeSource()
        _ = try await shell(try step("").command, in: "work", environment: environment(commit: commits[1]))
        let found = try await shell("cat file; git rev-parse HEAD; git rev-list --all --count; ls -d $HOME", in: "work")
        #expect(found == "2\n\(commits[1])\n3\n\(TemporaryDirectory.path)/home/ci\n")
    }

    @Test("depth limits the history, also for a commit behind the tip of its branch")
    func depth() async throws {
        let commits = try await makeSource()
        _ = try await shell(try step("{depth: 1}").command, in: "work", environment: environment(commit: commits[0]))
        #expect(try await shell("cat file; git rev-list HEAD --count", in: "work") == "1\n1\n")
    }

    @Test("without a commit the tip of the reference is taken, also of one that no clone brings")
    func reference() async throws {
        let commits = try await makeSource()
        let environment = environment(commit: "", ref: "refs/pull/1/head")
        _ = try await shell(try step("").command, in: "work", environment: environment)
        #expect(try await shell("git rev-parse HEAD", in: "work") == commits[1] + "\n")
    }

    @Test("submodules come at the commit that is built")
    func submodules() async throws {
        _ = try await makeSource()
        let script = """
            git init -q -b main .
            git -c protocol.file.allow=always submodule --quiet add "file://$PWD/../source" module
            git commit -q -m module; git rev-parse HEAD
            """
        let commit = try await shell(script, in: "outer").split(separator: "\n").last.map(String.init)
        var environment = environment(commit: try #require(commit), url: "file://\(TemporaryDirectory.path)/outer")
        environment.merge([
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "protocol.file.allow", "GIT_CONFIG_VALUE_0": "always",
        ]) { $1 }
        _ = try await shell(try step("{recurse_submodules: true}").command, in: "work", environment: environment)
        #expect(try await shell("cat module/file", in: "work") == "3\n")
    }

    @Test("the token answers for the repository's own server only and is printed and stored nowhere")
    func token() async throws {
        let commits = try await makeSource()
        var environment = environment(commit: commits[2], url: "http://martlet.test:8000/repos/ada/hello.git")
        environment["MARTLET_GIT_TOKEN"] = "t0ken"
        // Git reads the repository from the disk, while the script sees the URL of a server.
        environment["GIT_CONFIG_COUNT"] = "1"
        environment["GIT_CONFIG_KEY_0"] = "url.file://\(TemporaryDirectory.path)/source.insteadOf"
        environment["GIT_CONFIG_VALUE_0"] = "http://martlet.test:8000/repos/ada/hello.git"
        let output = try await shell(try step("").command, in: "work", environment: environment)
        #expect(!output.contains("t0ken"))
        #expect(try await shell("grep -r t0ken . || echo none", in: "work") == "none\n")
        let own = "printf 'protocol=http\\nhost=martlet.test:8000\\n\\n' | git credential fill"
        let answer = try await shell(own, in: "work", environment: ["MARTLET_GIT_TOKEN": "t0ken"])
        #expect(answer.contains("username=run\npassword=t0ken\n"))
        let other = "printf 'protocol=http\\nhost=evil.test\\n\\n' | git credential fill"
        let environmentOfOther = ["MARTLET_GIT_TOKEN": "t0ken", "GIT_TERMINAL_PROMPT": "0"]
        let refused = try await shell(other, in: "work", environment: environmentOfOther, failing: true)
        #expect(!refused.contains("t0ken"))
    }

    @Test("an ssh URL is cloned with the key from the environment, which is printed nowhere")
    func ssh() async throws {
        let commits = try await makeSource()
        // Stands for the ssh client: checks what it is given, then serves the repository itself.
        let client = """
            mkdir -p bin home/ci/.ssh; echo 'Host other' > home/ci/.ssh/config
            cat > bin/ssh <<'END'
            #!/bin/sh
            grep -q 'PRIVATE KEY' "$HOME/.ssh/martlet_key" && [ "$(stat -c %a "$HOME/.ssh/martlet_key")" = 600 ] || exit 9
            grep -q 'Port 2222' "$HOME/.ssh/martlet_config" && grep -q 'StrictHostKeyChecking yes' "$HOME/.ssh/martlet_config" || exit 8
            grep -q 'git.test ssh-ed25519' "$HOME/.ssh/martlet_known_hosts" && grep -q 'Host other' "$HOME/.ssh/config" || exit 7
            [ "$1 $2" = "-F $HOME/.ssh/config" ] || exit 6
            for last; do :; done
            exec sh -c "$last"
            END
            chmod +x bin/ssh
            """
        _ = try await shell(client, in: ".")
        var environment = environment(commit: commits[0], url: "git@git.test:\(TemporaryDirectory.path)/source")
        environment["MARTLET_SSHPRIVKEY"] = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"
        environment["MARTLET_SSHHOSTKEY"] = "git.test ssh-ed25519 AAAA"
        environment["PATH"] = "\(TemporaryDirectory.path)/bin:/usr/bin:/bin"
        for directory in ["work", "again"] {
            let output = try await shell(try step("").command, in: directory, environment: environment)
            #expect(!output.contains("PRIVATE KEY"))
            #expect(try await shell("cat file", in: directory) == "1\n")
        }
    }

    @Test("a commit that does not exist fails the step")
    func missingCommit() async throws {
        _ = try await makeSource()
        let environment = environment(commit: String(repeating: "a", count: 40))
        _ = try await shell(try step("").command, in: "work", environment: environment, failing: true)
    }
}
