import Base
import FoundationEssentials
import Glibc
import Synchronization

/// A real S3 server, OpenStack Swift with its s3api, for all tests of a process: it checks signatures, digests and payloads.
///
/// It runs in mount and process namespaces of its own, on loopback, in a directory of its own. Whatever becomes of the test process,
/// its end closes a pipe, whereupon everything is killed and removed.
package final class TestS3Server: Sendable {
    /// The name of the key.
    package static let accessKey = "test:tester"
    /// The key.
    package static let secretAccessKey = "testing"

    /// Why there is no server here; nil where it can be started.
    package static var obstacle: String? {
        guard geteuid() == 0 else { return "the S3 server needs root for its namespaces" }
        let programs = ["proxy", "account", "container", "object"].map { "/usr/bin/swift-\($0)-server" }
        let missing = programs.filter { access($0, X_OK) != 0 }
        return missing.isEmpty ? nil : "needs Debian's swift-proxy, swift-account, swift-container and swift-object"
    }

    /// The port of the server that all tests share.
    package let port: UInt16
    private let keeper: HeldProcess
    private let directory: String

    /// The server's address.
    package var url: String { "http://127.0.0.1:\(port)" }

    /// The one server of this process, started when it is first asked for.
    /// - Throws: ``Failure`` with the servers' own words when they do not start.
    package static func shared() async throws -> TestS3Server {
        try await SharedStart.shared.server()
    }

    fileprivate init(port: UInt16, keeper: HeldProcess, directory: String) {
        self.port = port
        self.keeper = keeper
        self.directory = directory
    }

    /// Starts another server in front of the same objects, to be killed or stopped without harm to other tests.
    package func startFront(_ name: String) async throws -> UInt16 {
        let port = try TestPort.free(in: 10_000..<20_000)
        try keeper.tell("start \(name) \(port)")
        try await Self.waitUntilAnswering(port, directory)
        return port
    }

    /// Starts a front again that was killed.
    package func restartFront(_ name: String, port: UInt16) async throws {
        try keeper.tell("start \(name) \(port)")
        try await Self.waitUntilAnswering(port, directory)
    }

    /// Kills a front by SIGKILL.
    package func killFront(_ name: String) throws { try keeper.tell("signal \(name) KILL") }

    /// Stops a front in its tracks, or lets it go on.
    package func pauseFront(_ name: String, _ isPaused: Bool) throws {
        try keeper.tell("signal \(name) \(isPaused ? "STOP" : "CONT")")
    }

    fileprivate static func waitUntilAnswering(_ port: UInt16, _ directory: String) async throws {
        let end = Deadline.after(.seconds(90))
        while !isAnswering(port) {
            guard !end.isPast else {
                // A log that does not exist yet is an empty one.
                let log = (try? String(contentsOfFile: "\(directory)/log", encoding: .utf8)) ?? ""
                throw Failure("the S3 server does not answer: \(log.suffix(4_000))")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private static func isAnswering(_ port: UInt16) -> Bool {
        TestPort.withSocket(port: port) { descriptor, address, length in
            guard connect(descriptor, address, length) == 0 else { return false }
            var patience = timeval(tv_sec: 5, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
            guard UnixSocket.send("GET / HTTP/1.0\r\n\r\n".utf8, to: descriptor) else { return false }
            var bytes = [UInt8](repeating: 0, count: 5)
            return recv(descriptor, &bytes, 5, Int32(MSG_WAITALL)) == 5 && bytes.elementsEqual("HTTP/".utf8)
        }
    }
}

/// Starts the server once, however many tests ask at the same time.
private actor SharedStart {
    static let shared = SharedStart()

    private var start: Task<TestS3Server, any Error>?

    func server() async throws -> TestS3Server {
        let task = start ?? Task { try await Self.start() }
        start = task
        return try await task.value
    }

    private static func start() async throws -> TestS3Server {
        let ports = try (0..<4).map { _ in try TestPort.free(in: 10_000..<20_000) }
        let directory = "/tmp/ms3-\(String(UInt32.random(in: .min ... .max), radix: 16))"
        let line = ["sh", "-c", TestS3Script.text, "s3", directory] + ports.map(String.init)
        let process = try HeldProcess(inNamespace: line, options: ["-p", "-f", "--kill-child"])
        keeper.withLock { $0 = process }
        atexit { SharedStart.keeper.withLock(\.self)?.end() }
        // The first one answers before the others, without which it refuses everything.
        for port in ports { try await TestS3Server.waitUntilAnswering(port, directory) }
        return TestS3Server(port: ports[0], keeper: process, directory: directory)
    }

    /// The process that ends the servers.
    private static let keeper = Mutex<HeldProcess?>(nil)
}
