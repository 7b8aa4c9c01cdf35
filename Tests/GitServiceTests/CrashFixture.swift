import Base
import FoundationEssentials
import Glibc
import HTTPTransport
import Logging
import ServiceKit
import ServiceLifecycle
import Store
import Subprocess
import SystemPackage
import TestSupport
import Testing

@testable import GitService

/// A git server in a process of its own that can be killed, beside a gateway and a relay that live on.
struct CrashFixture: Sendable {
    let git: GitFixture

    static func with(_ body: (CrashFixture) async throws -> Void) async throws {
        let directory = TemporaryDirectory.path
        let gateway = FakeGateway(socketPath: "\(directory)/w.sock")
        let relay = try TCPRelay(to: "\(directory)/g.sock")
        defer { relay.close() }
        let fixture = GitFixture(directory: directory, gateway: gateway, relay: relay, client: try HTTPClient())
        let services = ServiceGroup(
            services: [gateway],
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            try await body(CrashFixture(git: fixture))
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
        }
    }

    /// Runs `body` beside a server that is killed in the end, or as soon as `killMoment` returns.
    func hosted(
        until killMoment: (@Sendable () async throws -> Void)? = nil,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let directory = git.directory
        _ = try await Subprocess.run(
            .path(FilePath(Self.hostPath())),
            arguments: ["\(directory)/data", "\(directory)/g.sock", "\(directory)/w.sock"],
            input: .none,
            output: .sequence,
            error: .discarded
        ) { process in
            try await eventually("the server listens") {
                guard let socket = UnixSocket.connect("\(directory)/g.sock") else { return false }
                close(socket)
                return true
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await body() }
                if let killMoment { try await killMoment() } else { try await group.waitForAll() }
                try process.send(signal: .kill)
                try await group.waitForAll()
            }
        }
    }

    /// Changes the outbox of a server that is not running.
    static func rewrite(_ directory: String, _ change: (Outbox) async throws -> Void) async throws {
        let store = try await LocalStore.open(directory: "\(directory)/data/outbox", projections: [])
        try await change(Outbox(store: store, key: try SealingKey(path: "\(directory)/data/key")))
    }

    /// Starts a server for a directory and waits for its end.
    static func runHost(_ directory: String) async throws -> TerminationStatus {
        try await Subprocess.run(
            .path(FilePath(hostPath())),
            arguments: ["\(directory)/data", "\(directory)/other.sock", "\(directory)/w.sock"],
            output: .discarded
        ).terminationStatus
    }

    /// The host's executable, which is built beside the tests.
    private static func hostPath() throws -> String {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folder = tests.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        guard access("\(folder)/GitServiceHost", X_OK) == 0 else {
            throw Failure("GitServiceHost is not beside \(tests)")
        }
        return "\(folder)/GitServiceHost"
    }
}
