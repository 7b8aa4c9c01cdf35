import Base
import FoundationEssentials
import Glibc
import Subprocess
package import SystemPackage

/// Programs that a test runs: the project's own from the build's directory, and those of the system.
package enum TestProcess {
    /// The directory of the programs that were built together with the tests.
    package static let products: String = {
        // The test bundle lies beside them.
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return String(bundle.prefix(upTo: bundle.lastIndex(of: "/") ?? bundle.startIndex))
    }()

    /// Runs a program to its end.
    /// - Parameters:
    ///   - program: a path, or the name of a program of the project or the system.
    ///   - arguments: its arguments.
    ///   - directory: where it runs.
    ///   - environment: variables beside those of the test.
    /// - Returns: what it wrote, errors last, and whether it succeeded.
    /// - Throws: ``Failure`` when it cannot be started.
    package static func run(
        _ program: String,
        _ arguments: [String],
        in directory: String = "/",
        environment: [String: String] = [:]
    ) async throws -> (isSuccess: Bool, output: String, error: String) {
        let updates = Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0), $1) })
        let outcome = try await attempt("run \(program) \(arguments.first ?? "")") {
            try await Subprocess.run(
                executable(program),
                arguments: Arguments(arguments),
                environment: .inherit.updating(updates),
                workingDirectory: FilePath(directory),
                output: .string(limit: 16 << 20),
                error: .string(limit: 16 << 20)
            )
        }
        return (outcome.terminationStatus.isSuccess, outcome.standardOutput, outcome.standardError)
    }

    /// Runs a program that has to succeed.
    /// - Throws: ``Failure`` with what it wrote when it does not.
    @discardableResult
    package static func require(
        _ program: String,
        _ arguments: [String],
        in directory: String = "/",
        environment: [String: String] = [:]
    ) async throws -> String {
        let outcome = try await run(program, arguments, in: directory, environment: environment)
        guard outcome.isSuccess else {
            throw Failure("\(program) \(arguments.joined(separator: " ")) failed: \(outcome.output)\(outcome.error)")
        }
        return outcome.output
    }

    /// Runs a program beside `body` and ends it by SIGTERM afterwards.
    /// - Returns: what `body` returned, whether the program ended in order, and its standard error.
    package static func with<Value: Sendable>(
        _ program: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        log: String,
        _ body: (_ processID: Int32) async throws -> Value
    ) async throws -> (value: Value, isSuccess: Bool) {
        let updates = Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0), $1) })
        let file = try openLog(log)
        let outcome = try await Subprocess.run(
            executable(program),
            arguments: Arguments(arguments),
            environment: .inherit.updating(updates),
            input: .none,
            output: .fileDescriptor(file, closeAfterSpawningProcess: true),
            error: .combinedWithOutput
        ) { execution in
            let id = execution.processIdentifier.value
            defer { kill(id, SIGTERM) }
            return try await body(id)
        }
        return (outcome.closureResult, outcome.terminationStatus.isSuccess)
    }

    /// Opens a file to which a program's output is appended.
    /// - Throws: ``Failure`` naming the path.
    package static func openLog(_ path: String) throws -> FileDescriptor {
        try attempt("open \(path)") {
            try FileDescriptor.open(
                FilePath(path),
                .writeOnly,
                options: [.create, .append],
                permissions: .ownerReadWrite
            )
        }
    }

    /// A TCP port of the loopback interface that nobody uses now.
    package static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError("open socket") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw SystemError("find a free port") }
        return UInt16(bigEndian: address.sin_port)
    }

    private static func executable(_ program: String) -> Executable {
        if program.hasPrefix("/") { return .path(FilePath(program)) }
        let own = "\(products)/\(program)"
        return access(own, X_OK) == 0 ? .path(FilePath(own)) : .name(program)
    }
}
