import Base
import Subprocess
import SystemPackage

/// Runs the git of the user, in the user's environment.
struct LocalGit: Sendable {
    /// Where git runs.
    var directory: String
    /// What git sees of the environment.
    var environment: [String: String]

    /// Git ended with an error.
    struct Refusal: Error {
        let complaint: String
    }

    /// Runs git and returns what it printed, without the line end.
    /// - Throws: ``Refusal`` with git's own words, ``CommandFailure`` when there is no git.
    @concurrent func run(
        _ arguments: [String],
        setting: [String: String] = [:],
        input: String = ""
    ) async throws -> String {
        let environment = environment.merging(setting) { $1 }
        let variables = Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0), $1) })
        let result = try await start(arguments, variables, input)
        guard result.terminationStatus.isSuccess else { throw Refusal(complaint: result.standardError) }
        var output = result.standardOutput
        if output.hasSuffix("\n") { output.removeLast() }
        return output
    }

    private func start(
        _ arguments: [String],
        _ variables: [Environment.Key: String],
        _ input: String
    ) async throws -> ExecutionResult<Void, StringOutput<UTF8>, StringOutput<UTF8>> {
        do {
            return try await Subprocess.run(
                .name("git"),
                arguments: Arguments(arguments),
                environment: .custom(variables),
                workingDirectory: FilePath(directory),
                input: .array(Array(input.utf8)),
                output: .string(limit: 1 << 20),
                error: .string(limit: 16 << 20)
            )
        } catch let error as SubprocessError where error.code == .executableNotFound {
            throw CommandFailure("git is not installed")
        } catch let error as SubprocessError {
            throw CommandFailure("git \(arguments.first ?? "") cannot be run: \(error)")
        }
    }

    /// What git printed; nil when it ended with an error.
    func answer(_ arguments: [String]) async throws -> String? {
        do {
            return try await run(arguments)
        } catch is Refusal {
            return nil
        }
    }
}
