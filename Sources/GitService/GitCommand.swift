import Base
import Glibc
import Subprocess
import SystemPackage

/// Runs the system's git, knowing nothing of the machine's or any user's settings.
struct GitCommand: Sendable {
    /// git ended with an error.
    struct Refusal: CausedError {
        let command: String
        let status: String
        let complaint: String
        var cause: (any Error)? { nil }
        var site: Site? { nil }
        var linkMessage: String { "git \(command) ended with \(status): \(complaint)" }
    }

    private static let searchPath = ["/usr/local/bin", "/usr/bin", "/bin"]

    private let program: Executable
    private let environment: [Environment.Key: String]
    private let settings: [String]

    /// Prepares to run git for repositories below `dataDirectory`, with pushes of `maximumPushBytes` at most.
    init(dataDirectory: String, maximumPushBytes: Int?) {
        // Looked up once: a search for each command would start a process for each directory without git.
        let paths = Self.searchPath.map { "\($0)/git" }
        program = paths.first { access($0, X_OK) == 0 }.map { Executable.path(FilePath($0)) } ?? .name("git")
        environment = [
            "PATH": Self.searchPath.joined(separator: ":"),
            "HOME": dataDirectory,
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CEILING_DIRECTORIES": dataDirectory,
        ]
        let limit = maximumPushBytes.map { ["receive.maxInputSize=\($0)"] } ?? []
        settings = (Self.fixedSettings + limit).flatMap { ["-c", $0] }
    }

    /// Runs git to its end and returns what it printed.
    /// - Throws: ``Failure`` holding a ``Refusal`` when git ends with an error or prints more than `limit` bytes.
    @concurrent func output(
        _ arguments: [String],
        in directory: String,
        input: [UInt8] = [],
        limit bytes: Int = 1 << 20
    ) async throws -> [UInt8] {
        try await attempt("run git \(arguments[0]) in \(directory)") {
            let result = try await Subprocess.run(
                configuration(arguments, in: directory),
                input: .array(input),
                output: .bytes(limit: bytes),
                error: .string(limit: Self.complaintLimit)
            )
            guard result.terminationStatus.isSuccess else {
                throw Refusal(
                    command: arguments[0],
                    status: "\(result.terminationStatus)",
                    complaint: result.standardError
                )
            }
            return result.standardOutput
        }
    }

    /// Runs git to its end; what it prints goes into an open file, which is closed by the call.
    /// - Throws: ``Failure`` holding a ``Refusal`` when git ends with an error.
    @concurrent func write(_ arguments: [String], in directory: String, to file: FileDescriptor) async throws {
        try await attempt("run git in \(directory)") {
            let result = try await Subprocess.run(
                configuration(arguments, in: directory),
                input: .none,
                output: .fileDescriptor(file, closeAfterSpawningProcess: true),
                error: .string(limit: Self.complaintLimit)
            )
            guard result.terminationStatus.isSuccess else {
                throw Refusal(
                    command: arguments.first { !$0.hasPrefix("-") && !$0.contains("=") } ?? "",
                    status: "\(result.terminationStatus)",
                    complaint: result.standardError
                )
            }
        }
    }

    /// Runs git to its end and passes on what it prints, piece by piece.
    /// - Throws: what `output` throws, and ``Failure`` holding a ``Refusal`` when git ends with an error.
    @concurrent func read(
        _ arguments: [String],
        in directory: String,
        input: [UInt8],
        output: ([UInt8]) throws -> Void
    ) async throws {
        try await attempt("run git \(arguments[0]) in \(directory)") {
            let result = try await Subprocess.run(
                configuration(arguments, in: directory),
                input: .array(input),
                output: .sequence,
                error: .string(limit: Self.complaintLimit)
            ) { process in
                for try await piece in process.standardOutput { try output(piece.withUnsafeBytes { Array($0) }) }
            }
            guard result.terminationStatus.isSuccess else {
                throw Refusal(
                    command: arguments[0],
                    status: "\(result.terminationStatus)",
                    complaint: result.standardError
                )
            }
        }
    }

    /// Runs one of the smart protocol's services: feeds it, passes its output on, and ends it when the client is gone.
    /// - Parameters:
    ///   - arguments: git's arguments.
    ///   - directory: the repository.
    ///   - protocolVersion: the request's `Git-Protocol`; anything but a plain version is dropped.
    ///   - input: what git reads; nil for nothing.
    ///   - idleLimit: how long the client may keep git waiting for input.
    ///   - complaints: an open file for what git says on its standard error; closed by the call.
    ///   - output: takes what git prints, as fast as the client does.
    /// - Returns: whether git ended well.
    /// - Throws: ``Failure`` around what `input` and `output` throw, or when git cannot be run.
    @concurrent func exchange(
        _ arguments: [String],
        in directory: String,
        protocolVersion: String? = nil,
        input: RequestBytes? = nil,
        idleLimit: Duration = .seconds(120),
        complaints: FileDescriptor,
        output: ([UInt8]) async throws -> Void
    ) async throws -> Bool {
        let feed = GitFeed(input, idleLimit: idleLimit)
        let configuration = configuration(arguments, in: directory, protocolVersion: protocolVersion)
        return try await attempt("run git \(arguments[0]) in \(directory)") {
            let result = try await Subprocess.run(
                configuration,
                input: .inputWriter,
                output: .sequence,
                error: .fileDescriptor(complaints, closeAfterSpawningProcess: true)
            ) { process in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try await feed.run(into: process.standardInputWriter) { try process.send(signal: .terminate) }
                    }
                    group.addTask { try await feed.watch { try process.send(signal: .terminate) } }
                    for try await piece in process.standardOutput {
                        try await output(piece.withUnsafeBytes { Array($0) })
                    }
                    group.cancelAll()
                    try feed.check()
                }
            }
            return result.terminationStatus.isSuccess
        }
    }

    private func configuration(
        _ arguments: [String],
        in directory: String,
        protocolVersion: String? = nil
    ) -> Configuration {
        var environment = environment
        if let protocolVersion, Self.isVersion(protocolVersion) { environment["GIT_PROTOCOL"] = protocolVersion }
        var options = PlatformOptions()
        // git removes its half-done files when it is asked to end.
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(2))]
        return Configuration(
            executable: program,
            arguments: Arguments(settings + arguments),
            environment: .custom(environment),
            workingDirectory: FilePath(directory),
            platformOptions: options
        )
    }

    private static func isVersion(_ text: String) -> Bool {
        text == "version=2" || text == "version=1" || text == "version=0"
    }

    private static let complaintLimit = 64 << 10

    /// - Everything a push brings is written through to the disk before git reports it, always as a pack: that takes two
    ///   synchronized files instead of one for each object.
    /// - Nothing runs beside what the service starts: no hooks, no clean-up in the background.
    /// - Objects are checked like on the big forges, which let pass three faults of ancient histories.
    /// - A run fetches its commit by name, also after the branch has moved on.
    private static let fixedSettings = [
        "core.fsync=committed,loose-object", "core.fsyncMethod=fsync", "receive.unpackLimit=1",
        "core.hooksPath=/dev/null", "receive.autogc=false", "gc.auto=0", "maintenance.auto=false",
        "receive.advertisePushOptions=false",
        "receive.fsckObjects=true", "receive.fsck.badTimezone=ignore", "receive.fsck.missingSpaceBeforeDate=ignore",
        "receive.fsck.zeroPaddedFilemode=ignore", "receive.denyCurrentBranch=ignore",
        "receive.denyDeleteCurrent=ignore",
        "uploadpack.allowAnySHA1InWant=true", "uploadpack.allowFilter=true", "uploadpack.keepAlive=5",
        "receive.keepAlive=5", "http.receivepack=true",
    ]
}
