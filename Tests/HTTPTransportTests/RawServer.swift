import Base
import Glibc
import HTTPTransport
import Synchronization
import TestSupport
import Testing

/// A server that says exactly what a test tells it to, right or wrong: each connection gets a thread that runs a script.
final class RawServer: Sendable {
    let endpoint: HTTPEndpoint
    private let listener: Int32
    private let script: @Sendable (Connection) -> Void
    private let counts = Mutex((accepted: 0, open: 0))

    /// Connections that were accepted so far.
    var acceptedCount: Int { counts.withLock { $0.accepted } }
    /// Connections whose script has not ended.
    var openCount: Int { counts.withLock { $0.open } }

    private init(path: String, queue: Int32, _ script: @escaping @Sendable (Connection) -> Void) throws {
        endpoint = .unix(path)
        self.script = script
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0, listen(listener, queue) == 0 else { throw SystemError("listen on \(path)") }
    }

    /// Serves until `body` returns, then waits for the scripts to end; they must when their client is gone.
    static func with<Value>(
        _ script: @escaping @Sendable (Connection) -> Void,
        queue: Int32 = 4096,
        acceptingAfter gate: ThreadGate? = nil,
        _ body: (RawServer) async throws -> Value
    ) async throws -> Value {
        let server = try RawServer(path: "\(TemporaryDirectory.path)/raw", queue: queue, script)
        try NamedThread.start(name: "raw-server") {
            gate?.waitUntilOpen()
            server.acceptAll()
        }
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(server))
        } catch {
            result = .failure(error)
        }
        shutdown(server.listener, Int32(SHUT_RDWR))
        try await eventually("all scripts end") { server.openCount == 0 }
        return try result.get()
    }

    /// Answers every request of every connection with the same bytes.
    static func answering(_ bytes: String, thenCloses: Bool = false) -> @Sendable (Connection) -> Void {
        { connection in
            while connection.readHead() != nil {
                connection.write(bytes)
                if thenCloses { return }
            }
        }
    }

    private func acceptAll() {
        while true {
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else { break }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            counts.withLock { $0 = ($0.accepted + 1, $0.open + 1) }
            let connection = Connection(descriptor: descriptor)
            do {
                try NamedThread.start(name: "raw-connection", stackSize: 256 << 10) { self.serve(connection) }
            } catch {
                close(descriptor)
                counts.withLock { $0.open -= 1 }
            }
        }
        close(listener)
    }

    private func serve(_ connection: Connection) {
        script(connection)
        // A child that another test is just starting may hold a copy of the descriptor for a moment; this ends the connection anyway.
        shutdown(connection.descriptor, Int32(SHUT_RDWR))
        close(connection.descriptor)
        counts.withLock { $0.open -= 1 }
    }

    /// A connection as its script sees it; all calls block.
    struct Connection: Sendable {
        let descriptor: Int32

        /// Reads a request up to the empty line; nil when the client is gone.
        func readHead() -> String? {
            var head: [UInt8] = []
            while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
                guard let byte = read(upTo: 1)?.first else { return nil }
                head.append(byte)
            }
            return String(decoding: head, as: UTF8.self)
        }

        /// Reads what is there, waiting for something; nil when the client is gone.
        func read(upTo limit: Int) -> [UInt8]? {
            let bytes = [UInt8](unsafeUninitializedCapacity: limit) { space, count in
                count = max(0, recv(descriptor, space.baseAddress, limit, 0))
            }
            return bytes.isEmpty ? nil : bytes
        }

        /// Reads until the client is gone, and says how much it was.
        @discardableResult
        func drain() -> Int {
            var count = 0
            while let bytes = read(upTo: 64 << 10) { count += bytes.count }
            return count
        }

        /// Lets time pass, as a slow server does.
        func pause(milliseconds: UInt32) {
            usleep(milliseconds * 1000)
        }

        /// Writes everything; false when the client is gone.
        @discardableResult
        func write(_ text: String) -> Bool {
            write(Array(text.utf8))
        }

        @discardableResult
        func write(_ bytes: [UInt8], _ progress: (Int) -> Void = { _ in }) -> Bool {
            var sent = 0
            while sent < bytes.count {
                let count = bytes.withUnsafeBytes {
                    send(
                        descriptor,
                        $0.baseAddress?.advanced(by: sent),
                        min(16 << 10, bytes.count - sent),
                        Int32(MSG_NOSIGNAL)
                    )
                }
                guard count > 0 else { return false }
                sent += count
                progress(count)
            }
            return true
        }
    }
}
