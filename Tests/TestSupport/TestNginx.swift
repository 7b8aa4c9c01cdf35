import Base
import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage

/// The real nginx with the project's own files, on a free loopback port, in the test's directory.
package struct TestNginx: Sendable {
    /// What differs between two tests; a test renders it into files as `martletd` does.
    package struct Settings: Sendable {
        /// The address to listen on.
        package let listen: String
        /// The account of the workers: that of the test, as long as it is root.
        package let user: String?
    }

    /// Where nginx listens.
    package let port: UInt16
    /// The process id of the master.
    package let processID: Int32
    /// The directory of configuration, logs and temporary files.
    package let directory: String

    /// The address for clients.
    package var url: String { "http://127.0.0.1:\(port)" }

    /// What nginx complained about so far.
    package var errorLog: String {
        // A log that does not exist yet is an empty one.
        (try? String(contentsOfFile: "\(directory)/error.log", encoding: .utf8)) ?? ""
    }

    /// Checks the configuration, starts nginx, waits until it takes connections, and stops it after `body`.
    /// - Parameters:
    ///   - render: makes the files of `martlet/` by name.
    ///   - body: the test.
    /// - Returns: what `body` returns.
    /// - Throws: ``Failure`` with nginx's own words when it does not start, and what `body` throws.
    package static func run<Value: Sendable>(
        render: (Settings) throws -> [String: String],
        _ body: (TestNginx) async throws -> Value
    ) async throws -> Value {
        var attempt = 1
        while true {
            let directory = "\(TemporaryDirectory.path)/nginx\(attempt)"
            let port = try TestPort.free(in: 20_000..<32_000)
            let settings = Settings(listen: "127.0.0.1:\(port)", user: geteuid() == 0 ? "root" : nil)
            try install(try render(settings), into: directory)
            try await check(directory)
            do {
                return try await run(directory, port, body)
            } catch is PortTaken where attempt < 5 {
                attempt += 1
            }
        }
    }

    private static func run<Value: Sendable>(
        _ directory: String,
        _ port: UInt16,
        _ body: (TestNginx) async throws -> Value
    ) async throws -> Value {
        // A master that is killed, as happens by default when a test is out of time, leaves its workers behind.
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(10))]
        let result = try await Subprocess.run(
            executable,
            arguments: Arguments(arguments(directory) + ["-g", "daemon off;"]),
            platformOptions: options,
            input: .none,
            output: .discarded,
            error: .discarded
        ) { execution in
            let nginx = TestNginx(port: port, processID: execution.processIdentifier.value, directory: directory)
            defer { kill(nginx.processID, SIGTERM) }
            try await nginx.waitUntilListening()
            return try await body(nginx)
        }
        return result.closureResult
    }

    /// The verdict of `nginx -t`.
    /// - Throws: ``Failure`` with nginx's own words.
    package static func check(_ directory: String) async throws {
        let result = try await Subprocess.run(
            executable,
            arguments: Arguments(arguments(directory) + ["-t"]),
            output: .discarded,
            error: .string(limit: 1 << 16)
        )
        guard result.terminationStatus.isSuccess else {
            throw Failure("nginx refuses its configuration: \(result.standardError)")
        }
    }

    /// Copies the project's files and writes the rendered ones beside them.
    package static func install(_ rendered: [String: String], into directory: String) throws {
        try attempt("install nginx configuration in \(directory)") {
            let manager = FileManager.default
            try manager.createDirectory(atPath: "\(directory)/martlet", withIntermediateDirectories: true)
            for name in ["nginx.conf", "site.conf"] {
                try manager.copyItem(atPath: "\(projectDirectory)/nginx/\(name)", toPath: "\(directory)/\(name)")
            }
            for (name, text) in rendered {
                try Data(text.utf8).write(to: URL(filePath: "\(directory)/\(name)"))
            }
        }
    }

    /// The project's directory, found from where this file was compiled.
    package static let projectDirectory = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    private static let executable = Executable.path("/usr/sbin/nginx")

    private static func arguments(_ directory: String) -> [String] {
        ["-p", directory, "-e", "error.log", "-c", "\(directory)/nginx.conf"]
    }

    /// Another process took the port between our look and nginx's.
    private struct PortTaken: Error {}

    private func waitUntilListening() async throws {
        for _ in 0..<1000 {
            // The file is written once the port is ours: whoever answers before that may be somebody else.
            let isOurs = access("\(directory)/nginx.pid", F_OK) == 0
            if isOurs, TestPort.withSocket(port: port, { connect($0, $1, $2) == 0 }) { return }
            if errorLog.contains("Address already in use") { throw PortTaken() }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Failure("nginx does not listen: \(errorLog)")
    }
}
