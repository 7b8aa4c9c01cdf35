import Base
import GatewayService
import Glibc
import HTTPTransport
import HTTPTypes
import Synchronization
import TestSupport
import Testing

/// What a browser or git sees when the gateway's process is killed: its connections end without the record that ends a response.
@Suite(.temporaryDirectory, .timeLimit(.minutes(5)))
struct KilledGatewayTests {
    @Test(
        "a log, a stream of events, an export or git's answer is broken off, not ended in order",
        arguments: ["api/task/logs", "api/task/events", "api/v1alpha/export/runservice", "repos/ada/x.git/info/refs"]
    )
    func killedWhileStreaming(path: String) async throws {
        let socket = "\(TemporaryDirectory.path)/stream.sock"
        let gateway = try DyingGateway(socket: socket)
        defer { gateway.close() }
        let render: (TestNginx.Settings) throws -> [String: String] = { settings in
            let site = try NginxSite(
                listen: settings.listen,
                publicDirectory: TestNginx.projectDirectory,
                apiSocket: socket,
                streamSocket: socket,
                user: settings.user,
                workers: 1
            )
            return site.files()
        }
        try await TestNginx.run(render: render) { nginx in
            let client = try HTTPClient()
            defer { client.shutdown() }
            let call = HTTPCall(.get, try .url(nginx.url), "/\(path)", deadline: .after(.seconds(20)))
            let iterator = try await client.send(call).body.makeAsyncIterator()
            let part = try #require(try await iterator.next())
            #expect(String(decoding: part, as: UTF8.self) == "part")
            gateway.die()
            await #expect(throws: HTTPTransportError.self) { _ = try await iterator.next() }
        }
    }
}

/// Answers the first request with a part of a response, and closes the connection when told to, as the kernel does for the dead.
private final class DyingGateway: Sendable {
    private let listener: Int32
    private let connection = Mutex<Int32>(-1)

    init(socket path: String) throws {
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let listener = listener
        let isListening = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 && listen(listener, 8) == 0
            }
        }
        guard isListening else { throw SystemError("listen on \(path)") }
        try NamedThread.start(name: "dying-gateway") { [self] in answer() }
    }

    /// Closes the connection.
    func die() {
        connection.withLock { connection in
            Glibc.close(connection)
            connection = -1
        }
    }

    func close() {
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
    }

    private func answer() {
        let accepted = accept(listener, nil, nil)
        guard accepted >= 0 else { return }
        // All of the request, to the empty record of its body, so that closing is an end for the other side and no reset.
        var request: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while !request.suffix(8).starts(with: [1, 5, 0, 1, 0, 0]) {
            let count = recv(accepted, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            request += buffer[..<count]
        }
        var response = RecordEncoder()
        response.record(6, Array("Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n".utf8))
        response.record(6, Array("part".utf8))
        _ = UnixSocket.send(response.bytes, to: accepted)
        connection.withLock { $0 = accepted }
    }
}
