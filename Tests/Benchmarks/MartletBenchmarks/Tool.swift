import Base
import Subprocess
import SystemPackage

/// Programs that the benchmarks use, not those that they measure.
enum Tool {
    /// Runs a program that has to succeed.
    /// - Returns: what it wrote to standard output.
    /// - Throws: ``Failure`` with what it wrote when it fails.
    @discardableResult
    static func run(
        _ program: String,
        _ arguments: [String],
        in directory: String = "/",
        environment: [String: String] = [:]
    ) async throws -> String {
        let updates = Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0), $1) })
        let outcome = try await attempt("run \(program)") {
            try await Subprocess.run(
                program.hasPrefix("/") ? .path(FilePath(program)) : .name(program),
                arguments: Arguments(arguments),
                environment: .inherit.updating(updates),
                workingDirectory: FilePath(directory),
                output: .string(limit: 1 << 20),
                error: .string(limit: 1 << 20)
            )
        }
        guard outcome.terminationStatus.isSuccess else {
            let said = outcome.standardOutput + outcome.standardError
            throw Failure("\(program) \(arguments.joined(separator: " ")) failed: \(said)")
        }
        return outcome.standardOutput
    }

    /// Runs a program beside `body` and ends it by SIGTERM, by SIGKILL ten seconds later.
    static func beside<Value: Sendable>(
        _ program: String,
        _ arguments: [String],
        log: String,
        environment: [String: String] = [:],
        _ body: (_ processID: Int32) async throws -> Value
    ) async throws -> Value {
        let updates = Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0), $1) })
        let file = try FileDescriptor.open(
            FilePath(log),
            .writeOnly,
            options: [.create, .append],
            permissions: .ownerReadWrite
        )
        let outcome = try await Subprocess.run(
            program.hasPrefix("/") ? .path(FilePath(program)) : .name(program),
            arguments: Arguments(arguments),
            environment: .inherit.updating(updates),
            input: .none,
            output: .fileDescriptor(file, closeAfterSpawningProcess: true),
            error: .combinedWithOutput
        ) { execution in
            do {
                let value = try await body(execution.processIdentifier.value)
                await execution.teardown(using: [.send(signal: .terminate, allowedDurationToNextStep: .seconds(10))])
                return value
            } catch {
                await execution.teardown(using: [.send(signal: .terminate, allowedDurationToNextStep: .seconds(10))])
                throw error
            }
        }
        return outcome.closureResult
    }
}
